"""Every consumer's pact with back-redis, against the service on a real Valkey."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from redis.asyncio import Redis

from shared.kit import ServiceClient
from shared.models.auth import Revocation
from shared.models.live import LiveEvent
from shared.testing.asgi_client import AsgiClient
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.pacts import Provider
from shared.testing.pacts.provider import pacts_of
from shared.testing.waiting import until
from stores.limit_store import LimitStore
from stores.live_store import LiveStore
from stores.session_store import SessionStore
from stores.ticket_store import TicketStore
from tests.pact_states import States


@pytest.fixture
def states(
    sessions: SessionStore, limits: LimitStore, tickets: TicketStore, live: LiveStore
) -> States:
    return States(sessions, limits, tickets, live)


@pytest.fixture
async def provider(
    app: FastAPI, client: AsgiClient, keys: Identities, raw: Redis, states: States
) -> AsyncIterator[Provider]:
    async def ready() -> bool:
        return (await client.get("/health/ready")).status == 200

    async def clean() -> None:
        await raw.flushdb()

    await until(ready)
    async with keys.client("back-websockets", "back-redis", AsgiTransport(app)) as subscriber:
        revocation = partial(first_entry, subscriber, "revocations", Revocation)
        yield Provider(
            "back-redis",
            app=app,
            keys=keys,
            states=states.by_name(),
            messages={
                "live": partial(first_entry, subscriber, "live", LiveEvent, since="0-0"),
                "revocations: a session was ended": revocation,
                "revocations: a user was cut off": revocation,
            },
            clean=clean,
        )


async def first_entry(
    subscriber: ServiceClient, stream: str, model: type[BaseModel], since: str | None = None
) -> BaseModel:
    """The first entry of a stream, as a subscriber is told it."""
    async with aclosing(subscriber.events(f"/streams/{stream}", since=since)) as events:
        async for event in events:
            if event.event == "entry":
                return model.model_validate_json(event.data)
    raise AssertionError("the stream has ended")


@pytest.mark.parametrize("pact", pacts_of("back-redis"), ids=lambda path: path.stem)
async def test_keeps(provider: Provider, pact: Path) -> None:
    await provider.keeps(pact)
