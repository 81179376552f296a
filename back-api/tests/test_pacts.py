"""Every pact with back-api: the events that its domains publish, and what fronts ask of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from front_states import ID, FrontStates
from published_events import Published
from stub_services import StubServices

from main import app
from shared.testing.asgi_client import in_memory, running
from shared.testing.pacts import Provider
from shared.testing.pacts.provider import pacts_of


@pytest.fixture
async def provider(environment: pytest.MonkeyPatch, stubs: StubServices) -> AsyncIterator[Provider]:
    service, states = app(connect=in_memory(stubs.apps())), FrontStates(stubs)
    async with running(service):
        yield Provider(
            "back-api",
            app=service,
            headers=stubs.bearer(ID),
            states=states.by_name(),
            messages=Published().by_type(),
            clean=states.clean,
        )


@pytest.mark.parametrize("pact", pacts_of("back-api"), ids=lambda path: path.stem)
async def test_keeps(provider: Provider, pact: Path) -> None:
    await provider.keeps(pact)
