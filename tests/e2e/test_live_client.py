"""A client of the live socket comes back: it gets what it missed, also before its first event."""

import asyncio
from contextlib import aclosing
from uuid import UUID

from shared.models.event import EventEnvelope
from shared.testing.live_client import LiveClient
from tests.stack import Visitor, until

PROFILE = {"first_name": "Ada", "last_name": "Lovelace"}


async def opened(client: LiveClient) -> None:
    """Open a socket and leave it before any event has come."""
    async with aclosing(client.events()) as events:
        waiting = asyncio.create_task(anext(events))

        async def connected() -> UUID | None:
            return client.since if client.since.int else None

        await until(connected, within=40)
        waiting.cancel()
        await asyncio.wait({waiting})


async def received(client: LiveClient, event_type: str, count: int) -> list[EventEnvelope]:
    """The next events of one type."""
    found: list[EventEnvelope] = []
    async with asyncio.timeout(40), aclosing(client.events()) as events:
        async for event in events:
            found += [event] if event.event_type == event_type else []
            if len(found) == count:
                break
    return found


async def test_what_was_missed_comes_once(user: Visitor) -> None:
    first, second, third = (user.live_client() for _ in range(3))
    await opened(first)
    await user.post("/api/profile", PROFILE)
    second.since = first.since
    [created] = await received(second, "profile.created", 1)

    for company in ("A", "B"):
        await user.patch("/api/profile", {"company": company})
    third.since = created.event_id
    updated = await received(third, "profile.updated", 2)
    assert len({it.event_id for it in updated}) == 2
    assert (second.resyncs, third.resyncs, third.repeated) == (0, 0, 0)
