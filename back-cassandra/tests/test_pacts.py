"""Every consumer's pact with back-cassandra, against the service on the engine."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from database import Database
from driver import Connection
from main import app
from repositories.audit_repository import AuditRepository
from settings import Settings
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from shared.testing.pacts import Provider
from shared.testing.pacts.provider import Parameters, pacts_of
from tests.callers import Callers
from tests.conftest import as_environment, empty
from tests.events import event


@pytest.fixture
async def provider(
    settings: Settings,
    keys: Identities,
    database: Database,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Provider]:
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    log = AuditRepository(database, page_days=31, page_timeout=5)

    async def events_of_a_user(given: Parameters) -> None:
        for number in range(int(str(given["count"]))):
            ago = timedelta(minutes=number)
            await log.store(event(user_id=str(given["user_id"]), ago=ago))

    service = app()
    async with running(service) as client:
        await Callers(client, keys).until_ready()
        yield Provider(
            "back-cassandra",
            app=service,
            keys=keys,
            states={"events of a user are kept": events_of_a_user},
            clean=lambda: empty(connection, settings.cassandra_keyspace),
        )


@pytest.mark.parametrize("pact", pacts_of("back-cassandra"), ids=lambda path: path.stem)
async def test_keeps(provider: Provider, pact: Path) -> None:
    await provider.keeps(pact)
