"""Clients of the live socket during a drill."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from shared.testing.live_client import LiveClient
from tests.stack import until


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
