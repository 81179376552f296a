"""What a client may not do, and how its socket ends."""

import asyncio
import base64
import os
import signal
from contextlib import suppress
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hub import Hub
from live_socket import TOO_SLOW, Message
from settings import Settings
from shared.kit.runtime.websocket_protocol import AbortingProtocol
from shared.models.auth import TicketHolder
from shared.testing.waiting import until
from tests.conftest import Running, Start, close_code, received
from tests.fake_back_redis import FakeBackRedis


class TestClientMessages:
    async def test_are_ignored(self, service: Running, redis: FakeBackRedis) -> None:
        user_id = uuid4()
        async with service.open(ticket=redis.ticket(user_id)) as socket:
            for message in ("{}", "not JSON", b"\x00\xff", "x" * 131_072):
                await socket.send(message)
            envelope = await redis.publish(user_id)
            assert (await received(socket))["event_id"] == str(envelope.event_id)

    async def test_of_more_than_128_kb_end_the_socket(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        async with service.open(ticket=redis.ticket()) as socket:
            await socket.send("x" * 131_073)
            assert await close_code(socket) == 1009

    async def test_of_more_than_ten_a_second_and_user_end_the_socket(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        async with (
            service.open(ticket=redis.ticket(user_id)) as first,
            service.open(ticket=redis.ticket(user_id)) as second,
            service.open(ticket=redis.ticket()) as other,
        ):
            for _ in range(10):
                await first.send("{}")
            pong = await first.ping()
            await pong
            with suppress(ConnectionClosed):
                for _ in range(5):
                    await second.send("{}")
            assert await close_code(second) == 4429
            await other.send("{}")
            assert first.close_code is None


class TestSlowSocket:
    async def test_ends_when_it_lags_too_far_behind_and_others_do_not(
        self,
        start: Start,
        redis: FakeBackRedis,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("SOCKET_QUEUE", "5")
        service = await start()
        await until(service.ready)
        user_id = uuid4()
        _, slow = await _raw_socket(service, redis.ticket(user_id))
        async with service.open(ticket=redis.ticket(user_id)) as quick:
            async with asyncio.timeout(20):
                while TOO_SLOW.reason not in capfd.readouterr().out:
                    envelope = await redis.publish(user_id, text="x" * 100_000)
                    assert (await received(quick))["event_id"] == str(envelope.event_id)
        slow.close()
        await slow.wait_closed()

    @pytest.mark.parametrize("events, size", [(1, 10_000), (10, 150)])
    async def test_has_a_code_of_its_own(self, events: int, size: int) -> None:
        hub = Hub(Settings.model_construct(socket_queue=events, socket_queue_bytes=size))
        with hub.joined(TicketHolder(user_id=uuid4(), sid=uuid4(), generation=1)) as socket:
            socket.offer(Message(uuid4(), "{}", 100, b""))
            assert not socket._ended.done()
            socket.offer(Message(uuid4(), "{}", 100, b""))
            assert socket._ended.result() == TOO_SLOW

    async def test_that_reads_nothing_is_cut_off_with_what_was_written_for_it(
        self, start: Start, redis: FakeBackRedis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(AbortingProtocol, "unread_seconds", 0.2)
        service = await start()
        await until(service.ready)
        user_id = uuid4()
        connections = service.server.server_state.connections
        _, slow = await _raw_socket(service, redis.ticket(user_id))
        assert len(connections) == 1

        async def cut_off() -> bool:
            await redis.publish(user_id, text="x" * 100_000)
            return not connections

        await until(cut_off)
        slow.close()
        with suppress(ConnectionError):
            await slow.wait_closed()


class TestIdleSocket:
    async def test_that_answers_pings_stays(self, start: Start, redis: FakeBackRedis) -> None:
        service = await start(ping_interval=0.1, ping_timeout=4)
        await until(service.ready)
        user_id = uuid4()
        async with service.open(ticket=redis.ticket(user_id)) as socket:
            await asyncio.sleep(5)  # noqa: TID251 - longer than a pong may take
            envelope = await redis.publish(user_id)
            assert (await received(socket))["event_id"] == str(envelope.event_id)

    async def test_that_answers_nothing_is_ended(self, start: Start, redis: FakeBackRedis) -> None:
        service = await start(ping_interval=0.05, ping_timeout=0.2)
        await until(service.ready)
        reader, writer = await _raw_socket(service, redis.ticket())
        async with asyncio.timeout(20):
            frames = await reader.read()
        assert frames.startswith(b"\x89\x04"), "a ping of four bytes"
        assert b"\x03\xf3keepalive ping timeout" in frames, "close code 1011"
        writer.close()
        await writer.wait_closed()


class TestShutdown:
    async def test_closes_sockets_with_1012(self, service: Running, redis: FakeBackRedis) -> None:
        async with service.open(ticket=redis.ticket()) as socket:
            service.server.should_exit = True
            assert await close_code(socket) == 1012

    async def test_asks_every_client_to_reconnect_at_a_moment_of_its_own(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        users = [uuid4() for _ in range(20)]
        sockets = [await service.open(ticket=redis.ticket(user_id)) for user_id in users]
        before = [await redis.publish(user_id) for user_id in users]
        os.kill(os.getpid(), signal.SIGTERM)
        hints = []
        for socket, envelope in zip(sockets, before, strict=True):
            assert (await received(socket))["event_id"] == str(envelope.event_id)
            hint = await received(socket)
            assert hint["event_type"] == "notifications.reconnect"
            hints.append(hint["payload"]["after_seconds"])
            assert await close_code(socket) == 1012
        assert 0 <= min(hints) < max(hints) <= 5
        assert len(set(hints)) > 10

    async def test_refuses_handshakes_while_sockets_are_closed(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        reader, writer = await _raw_socket(service, redis.ticket(uuid4()))
        ticket = redis.ticket()
        os.kill(os.getpid(), signal.SIGTERM)
        await reader.readuntil(b"notifications.reconnect")
        with pytest.raises(InvalidStatus) as refused:
            await service.open(ticket=ticket)
        assert refused.value.response.status_code == 503
        assert len(redis.tickets) == 1, "the ticket is not spent"
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _raw_socket(
    service: Running, ticket: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket whose client does nothing after the handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=1024)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        (
            f"GET /ws/notifications?ticket={ticket} HTTP/1.1\r\nHost: test\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        ).encode()
    )
    assert b"101" in await reader.readline()
    while await reader.readline() != b"\r\n":
        pass
    return reader, writer
