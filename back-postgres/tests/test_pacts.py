"""Every consumer's pact with back-postgres, against the service on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from database import Database
from main import app
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from shared.testing.pacts import Provider
from shared.testing.pacts.provider import pacts_of
from tests.callers import Callers
from tests.conftest import empty
from tests.pact_states import States


@pytest.fixture
async def provider(
    environment: pytest.MonkeyPatch, database: Database, keys: Identities
) -> AsyncIterator[Provider]:
    service = app()
    async with running(service) as client:
        await Callers(client, keys).until_ready()
        yield Provider(
            "back-postgres",
            app=service,
            keys=keys,
            states=States(database).by_name(),
            clean=lambda: empty(database),
        )


@pytest.mark.parametrize("pact", pacts_of("back-postgres"), ids=lambda path: path.stem)
async def test_keeps(provider: Provider, pact: Path) -> None:
    await provider.keeps(pact)
