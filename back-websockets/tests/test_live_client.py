"""The client that other tests use, against the service: it loses nothing and repeats nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from uuid import UUID, uuid4

import pytest

from shared.models.auth import Revocation
from shared.models.event import EventEnvelope
from shared.testing.live_client import LiveClient, SessionEnded
from shared.testing.tcp_proxy import TcpProxy
from shared.testing.waiting import until
from tests.conftest import Running, Start
from tests.fake_back_redis import FakeBackRedis


@pytest.fixture
async def proxy(service: Running) -> AsyncIterator[TcpProxy]:
    """What a client connects to, to interrupt."""
    async with TcpProxy("127.0.0.1", service.port) as proxy:
        yield proxy


def client_of(
    port: int, redis: FakeBackRedis, user_id: UUID, sid: UUID | None = None
) -> LiveClient:
    async def ticket() -> str:
        return redis.ticket(user_id, sid)

    url = f"ws://127.0.0.1:{port}/ws/notifications"
    return LiveClient(url, ticket, first_pause=0.01)


@asynccontextmanager
async def collecting(client: LiveClient) -> AsyncIterator[list[EventEnvelope]]:
    """What the connected client got so far; an error of the client ends the block."""
    got: list[EventEnvelope] = []

    async def collect() -> None:
        async with aclosing(client.events()) as events:
            async for event in events:
                got.append(event)  # noqa: PERF401 - read while it grows

    async with asyncio.TaskGroup() as group:
        task = group.create_task(collect())
        await until(lambda: client.connections == 1)
        yield got
        task.cancel()


class TestBreaks:
    async def test_lose_and_repeat_nothing(self, redis: FakeBackRedis, proxy: TcpProxy) -> None:
        user_id = uuid4()
        await redis.publish(user_id)
        client = client_of(proxy.port, redis, user_id)
        sent: list[EventEnvelope] = []
        async with collecting(client) as got:
            for number in range(5):
                await proxy.stop()
                sent.append(await redis.publish(user_id, number))
                await proxy.start()
                sent.append(await redis.publish(user_id, number))
                await until(lambda: client.connections == number + 2)  # noqa: B023 - awaited here
                sent.append(await redis.publish(user_id, number))
                await until(lambda: len(got) == len(sent))
            assert got == sent
            assert (client.repeated, client.resyncs) == (0, 0)

    async def test_where_events_are_gone_the_client_is_told(
        self, redis: FakeBackRedis, proxy: TcpProxy
    ) -> None:
        user_id = uuid4()
        client = client_of(proxy.port, redis, user_id)
        async with aclosing(client.events()) as events:
            following = asyncio.create_task(anext(events))
            await until(lambda: client.connections == 1)
            await redis.publish(user_id)
            await following
            await proxy.stop()
            redis.kept.clear()
            kept = await redis.publish(user_id)
            await proxy.start()
            assert (await anext(events)).event_type == "notifications.resync"
            assert await anext(events) == kept
        assert client.resyncs == 1


class TestServerWords:
    async def test_after_a_hint_the_client_waits_as_long_as_it_says(
        self, start: Start, redis: FakeBackRedis
    ) -> None:
        service = await start()
        await until(service.ready)
        client = client_of(service.port, redis, uuid4())
        waited: list[float] = []

        async def pause(seconds: float) -> None:
            waited.append(seconds)
            await asyncio.Event().wait()

        client._sleep = pause
        async with collecting(client):
            os.kill(os.getpid(), signal.SIGTERM)
            await until(lambda: waited)
            assert waited == client.hints

    async def test_the_end_of_the_session_ends_the_client(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        sid = uuid4()
        client = client_of(service.port, redis, uuid4(), sid)
        async with aclosing(client.events()) as events:
            ended = asyncio.create_task(anext(events))
            await until(lambda: client.connections == 1)
            await redis.revoke(Revocation(sid=sid))
            with pytest.raises(SessionEnded):
                await ended

    async def test_without_a_ticket_or_a_ready_service_it_tries_again(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        tickets = iter([None, "not a ticket", redis.ticket()])
        client = client_of(service.port, redis, uuid4())

        async def ticket() -> str | None:
            return next(tickets)

        client._ticket = ticket
        async with collecting(client):
            assert next(tickets, None) is None
