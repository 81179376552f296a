"""Clients of the live socket during a drill, and what is published for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from pydantic import JsonValue

from shared.kit.errors import ServiceError
from shared.kit.http.client import ServiceClient
from shared.kit.http.context import correlated
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import LivePublished, PublishLive
from shared.testing.live_client import LiveClient
from tests.drills.processes import service_client
from tests.stack import Visitor, until

SETTLED_WITHIN = 30  # seconds


@asynccontextmanager
async def collecting(*clients: LiveClient) -> AsyncIterator[list[list[str]]]:
    """The ids of the events that each client got so far, from the time when all are connected."""
    got: list[list[str]] = [[] for _ in clients]

    async def collect(client: LiveClient, into: list[str]) -> None:
        async with aclosing(client.events()) as events:
            async for event in events:
                into.append(str(event.event_id))  # noqa: PERF401 - read while it grows

    async def connected() -> bool | None:
        return all(client.connections for client in clients) or None

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(collect(client, into))
            for client, into in zip(clients, got, strict=True)
        ]
        await until(connected, within=15)
        yield got
        for task in tasks:
            task.cancel()


def live_event(user_id: UUID, payload: dict[str, JsonValue]) -> PublishLive:
    envelope = EventEnvelope(
        event_id=uuid4(),
        event_type="profile.updated",
        occurred_at=now(),
        correlation_id="a-drill",
        payload=payload,
    )
    return PublishLive(user_id=user_id, envelope=envelope)


async def publish(redis: ServiceClient, new: PublishLive) -> str:
    """Publish once; the id of the event. Raises ServiceError where it is not accepted."""
    with correlated(None):
        await redis.post("/live/events", new, response_model=LivePublished)
    return str(new.envelope.event_id)


@dataclass
class Publisher:
    """Publishes events of a user one after the other, as the relay does: until each is accepted."""

    user_id: UUID
    accepted: list[str] = field(default_factory=list)
    stopped: bool = False

    async def run(self) -> None:
        async with service_client("back-workers", "back-redis") as redis:
            while not self.stopped:
                new = live_event(self.user_id, {"number": len(self.accepted)})
                while str(new.envelope.event_id) not in self.accepted:
                    with suppress(ServiceError):
                        self.accepted.append(await publish(redis, new))
                    await asyncio.sleep(0.03)


@asynccontextmanager
async def publishing(user: Visitor) -> AsyncIterator[Publisher]:
    """Publish for the user during the block."""
    publisher = Publisher(UUID((await user.get("/api/users/me")).json()["id"]))
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def flows(publisher: Publisher, *received: list[str]) -> None:
    """Return once twenty events more were accepted, and the last of them has arrived."""
    wanted = len(publisher.accepted) + 20

    async def arrived() -> bool | None:
        if len(publisher.accepted) < wanted:
            return None
        return all(publisher.accepted[wanted - 1] in got for got in received) or None

    await until(arrived, within=SETTLED_WITHIN)


async def complete(publisher: Publisher, got: list[str]) -> bool | None:
    return set(publisher.accepted).issubset(got) or None
