"""A user's own events arrive on open sockets: once, in order, also after a break."""

import asyncio
import json
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.websockets import WebSocket, WebSocketState
from websockets.exceptions import InvalidStatus

from live_socket import LiveSocket, Replay
from live_socket import Message as QueuedMessage
from shared.kit.runtime.websocket_protocol import PREPARED_FRAMES, AbortingProtocol, text_frame
from shared.models.auth import Revocation, TicketHolder
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import NOTHING_SEEN
from shared.testing.waiting import until
from tests.conftest import Message, Running, Start, close_code, received
from tests.fake_back_redis import FakeBackRedis


async def refusal(service: Running, **query: object) -> tuple[int, dict[str, Any]]:
    """The status and the problem that the handshake is refused with."""
    with pytest.raises(InvalidStatus) as refused:
        await service.open(**query)
    response = refused.value.response
    assert response.headers["content-type"] == "application/problem+json"
    assert response.body
    return response.status_code, json.loads(response.body)


def as_sent(envelope: EventEnvelope) -> Message:
    sent = json.loads(envelope.model_dump_json())
    assert isinstance(sent, dict)
    return sent


class TestHandshake:
    async def test_a_ticket_opens_one_socket_once(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        ticket = redis.ticket()
        async with service.open(ticket=ticket):
            status, problem = await refusal(service, ticket=ticket)
        assert (status, problem["code"]) == (403, "ticket_invalid")
        assert problem["instance"] == "/ws/notifications"

    @pytest.mark.parametrize("query", [{}, {"ticket": ""}, {"ticket": "x" * 4000}])
    async def test_no_ticket_no_socket(self, service: Running, query: dict[str, str]) -> None:
        status, problem = await refusal(service, **query)
        assert (status, problem["code"]) == (403, "ticket_invalid")

    async def test_since_must_be_an_event_id_and_spends_no_ticket(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        ticket = redis.ticket()
        status, problem = await refusal(service, ticket=ticket, since="yesterday")
        assert (status, problem["code"]) == (400, "since_invalid")
        async with service.open(ticket=ticket):
            pass

    async def test_without_back_redis_it_is_503(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        redis.up = False
        status, problem = await refusal(service, ticket=redis.ticket())
        assert (status, problem["code"]) == (503, "unavailable")

    async def test_before_the_first_snapshot_it_is_not_ready(
        self, start: Start, redis: FakeBackRedis
    ) -> None:
        redis.up = False
        service = await start()

        async def listens() -> bool:
            return await service.health("/health/live") == 200

        await until(listens)
        assert not await service.ready()
        status, _ = await refusal(service, ticket=redis.ticket())
        assert status == 503
        redis.up = True
        await until(service.ready)

    async def test_a_user_has_a_bounded_number_of_sockets(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        opened = [await service.open(ticket=redis.ticket(user_id)) for _ in range(20)]
        status, problem = await refusal(service, ticket=redis.ticket(user_id))
        assert (status, problem["code"]) == (429, "too_many_sockets")
        async with service.open(ticket=redis.ticket()):
            pass
        await opened.pop().close()

        async def has_room() -> bool:
            try:
                opened.append(await service.open(ticket=redis.ticket(user_id)))
            except InvalidStatus:
                return False
            return True

        await until(has_room)
        for socket in opened:
            await socket.close()


class TestOpening:
    async def test_a_client_resumes_before_its_first_event(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        seen = await redis.publish(user_id)
        async with service.open(ticket=redis.ticket(user_id), since=seen.event_id):
            pass
        async with service.open(ticket=redis.ticket(user_id), since=NOTHING_SEEN) as socket:
            opened = await received(socket)
        assert EventEnvelope.model_validate(opened).payload == {}
        assert opened["event_type"] == "notifications.opened"
        missed = [await redis.publish(user_id, number) for number in range(2)]
        ticket = redis.ticket(user_id)
        async with service.open(ticket=ticket, since=opened["event_id"]) as socket:
            assert [await received(socket) for _ in missed] == [as_sent(it) for it in missed]

    async def test_one_process_reads_each_stream_once_for_all_its_sockets(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        sockets = [await service.open(ticket=redis.ticket()) for _ in range(30)]
        assert redis.subscribed == len({"live", "revocations"})
        for socket in sockets:
            await socket.close()


class TestDelivery:
    async def test_an_event_reaches_all_sockets_of_its_user_and_no_others(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        ada, bob = uuid4(), uuid4()
        async with (
            service.open(ticket=redis.ticket(ada)) as first,
            service.open(ticket=redis.ticket(ada)) as second,
            service.open(ticket=redis.ticket(bob)) as other,
        ):
            for_ada = await redis.publish(ada)
            for_bob = await redis.publish(bob)
            assert await received(first) == as_sent(for_ada)
            assert await received(second) == as_sent(for_ada)
            assert await received(other) == as_sent(for_bob)

    async def test_the_order_is_kept_and_a_repeat_is_not_sent(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        async with service.open(ticket=redis.ticket(user_id)) as socket:
            sent = []
            for number in range(50):
                sent.append(await redis.publish(user_id, number))
                await redis.publish_again(user_id, sent[-1])
            assert [await received(socket) for _ in sent] == [as_sent(one) for one in sent]
            last = await redis.publish(user_id)
            assert await received(socket) == as_sent(last)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each message was written at once, by the order of the attempts."""
    attempts: list[bool] = []
    send_prepared = AbortingProtocol.send_prepared

    def noting(protocol: AbortingProtocol, frame: bytes) -> bool:
        attempts.append(send_prepared(protocol, frame))
        return attempts[-1]

    monkeypatch.setattr(AbortingProtocol, "send_prepared", noting)
    return attempts


class TestPreparedFrames:
    async def test_events_that_wait_for_room_come_after_those_written_at_once(
        self, service: Running, redis: FakeBackRedis, written: list[bool]
    ) -> None:
        user_id = uuid4()
        published: list[EventEnvelope] = []
        async with service.open_as({"ticket": redis.ticket(user_id)}, max_queue=1) as socket:
            async with asyncio.timeout(30):
                while False not in written:
                    published.append(await redis.publish(user_id, text="x" * 100_000))
                    await until(lambda: len(written) == len(published))
            published += [await redis.publish(user_id) for _ in range(3)]
            assert [await received(socket) for _ in published] == list(map(as_sent, published))
            later = await redis.publish(user_id)
            assert await received(socket) == as_sent(later)
        assert written[-1], "with room again events are written at once"

    async def test_no_event_passes_one_that_waits(self) -> None:
        sent: list[str] = []
        room = False

        def send_prepared(frame: bytes) -> bool:
            if room:
                sent.append(frame[2:].decode())
            return room

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message["text"])

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "extensions": {PREPARED_FRAMES: {"send": send_prepared}}}
        websocket = WebSocket(scope, receive, send)
        websocket.client_state = websocket.application_state = WebSocketState.CONNECTED
        holder = TicketHolder(user_id=uuid4(), sid=uuid4(), generation=1)
        socket = LiveSocket(holder, queue_size=10, queue_bytes=100)
        writing = asyncio.create_task(socket._write(websocket, Replay()))
        await until(lambda: socket._send_prepared is not None)
        first, second, third = (
            QueuedMessage(uuid4(), text, 5, text_frame(text.encode()))
            for text in ("first", "second", "third")
        )
        socket.offer(first)
        room = True
        socket.offer(second)
        await until(lambda: len(sent) == 2 and socket._send_prepared is not None)
        socket.offer(third)
        assert sent == ["first", "second", "third"]
        writing.cancel()

    async def test_compressed_messages_are_not_prepared(
        self, start: Start, redis: FakeBackRedis, written: list[bool]
    ) -> None:
        service = await start(compressed=True)
        await until(service.ready)
        user_id = uuid4()
        async with service.open_as(
            {"ticket": redis.ticket(user_id)}, compression="deflate"
        ) as socket:
            envelope = await redis.publish(user_id)
            assert await received(socket) == as_sent(envelope)
        assert written == [False]


class TestResume:
    async def test_since_brings_what_was_missed_and_then_what_comes(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        seen, *missed = [await redis.publish(user_id, number) for number in range(4)]
        ticket = redis.ticket(user_id)
        async with service.open(ticket=ticket, since=seen.event_id) as socket:
            new = await redis.publish(user_id)
            got = [await received(socket) for _ in range(4)]
        assert got == [as_sent(envelope) for envelope in (*missed, new)]

    async def test_events_during_the_replay_come_once_and_after_it(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        seen = await redis.publish(user_id)
        redis.before_replay = asyncio.Event()
        opening = asyncio.create_task(
            service.open(ticket=redis.ticket(user_id), since=seen.event_id).__aenter__()
        )

        async def redeemed() -> bool:
            return not redis.tickets

        await until(redeemed)
        during = [await redis.publish(user_id, number) for number in range(3)]
        redis.before_replay.set()
        socket = await opening
        after = await redis.publish(user_id)
        got = [await received(socket) for _ in range(4)]
        await socket.close()
        assert got == [as_sent(envelope) for envelope in (*during, after)]

    async def test_a_process_that_lags_repeats_nothing_that_was_seen_elsewhere(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        await _break(redis, streams_only=True)
        *_, seen, missed = [await redis.publish(user_id, number) for number in range(4)]
        ticket = redis.ticket(user_id)
        async with service.open(ticket=ticket, since=seen.event_id) as socket:
            assert await received(socket) == as_sent(missed)
            redis.streams_up = True
            new = await redis.publish(user_id)
            assert await received(socket) == as_sent(new)

    async def test_from_one_process_at_another_nothing_is_missed_or_repeated(
        self, start: Start, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        first, second = await start(), await start()
        for service in (first, second):
            await until(service.ready)
        async with (
            first.open(ticket=redis.ticket(user_id)) as here,
            second.open(ticket=redis.ticket(user_id)) as there,
        ):
            seen = await redis.publish(user_id)
            assert await received(here) == await received(there) == as_sent(seen)
        missed = await redis.publish(user_id)
        ticket = redis.ticket(user_id)
        async with second.open(ticket=ticket, since=seen.event_id) as socket:
            new = await redis.publish(user_id)
            assert [await received(socket) for _ in range(2)] == [as_sent(missed), as_sent(new)]

    async def test_of_more_missed_events_than_a_socket_holds_the_newest_come_after_a_resync(
        self, start: Start, redis: FakeBackRedis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOCKET_QUEUE_BYTES", "25000")
        service = await start()
        await until(service.ready)
        user_id = uuid4()
        seen, *missed = [await redis.publish(user_id, text="x" * 10_000) for _ in range(5)]
        ticket = redis.ticket(user_id)
        async with service.open(ticket=ticket, since=seen.event_id) as socket:
            assert (await received(socket))["event_type"] == "notifications.resync"
            got = [await received(socket) for _ in range(2)]
        assert got == [as_sent(envelope) for envelope in missed[-2:]]

    async def test_when_the_event_has_gone_a_resync_comes_first(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        kept = await redis.publish(user_id)
        async with service.open(ticket=redis.ticket(user_id), since=uuid4()) as socket:
            resync = await received(socket)
            assert resync["event_type"] == "notifications.resync"
            assert EventEnvelope.model_validate(resync).payload == {}
            assert await received(socket) == as_sent(kept)

    async def test_a_break_upstream_loses_nothing(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        async with service.open(ticket=redis.ticket(user_id)) as socket:
            before = await redis.publish(user_id)
            assert await received(socket) == as_sent(before)
            await _break(redis)
            during = [await redis.publish(user_id, number) for number in range(3)]
            redis.up = True
            got = [await received(socket) for _ in during]
            assert got == [as_sent(envelope) for envelope in during]

    async def test_an_unreadable_event_is_skipped(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        async with service.open(ticket=redis.ticket(user_id)) as socket:
            await redis.live.add('{"user_id": "not a uuid"}')
            envelope = await redis.publish(user_id)
            assert await received(socket) == as_sent(envelope)

    async def test_a_gap_upstream_tells_every_socket_to_resync(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        ada, bob = uuid4(), uuid4()
        async with (
            service.open(ticket=redis.ticket(ada)) as first,
            service.open(ticket=redis.ticket(bob)) as second,
        ):
            for number in range(2):
                envelope = await redis.publish(ada, number)
                assert await received(first) == as_sent(envelope)
            await _break(redis)
            await redis.publish(ada)
            kept = await redis.publish(ada)
            redis.live.forget(3)
            redis.up = True
            assert (await received(first))["event_type"] == "notifications.resync"
            assert (await received(second))["event_type"] == "notifications.resync"
            assert await received(first) == as_sent(kept)

    async def test_after_back_redis_lost_its_memory_events_come_after_a_resync(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        async with service.open(ticket=redis.ticket(user_id)) as socket:
            for number in range(5):
                envelope = await redis.publish(user_id, number)
                assert await received(socket) == as_sent(envelope)
            await _break(redis)
            redis.live.lose_memory()
            redis.kept.clear()
            redis.up = True
            new = await redis.publish(user_id)
            assert (await received(socket))["event_type"] == "notifications.resync"
            assert await received(socket) == as_sent(new)
        ticket = redis.ticket(user_id)
        async with service.open(ticket=ticket, since=envelope.event_id) as socket:
            assert (await received(socket))["event_type"] == "notifications.resync"
            assert await received(socket) == as_sent(new)
            last = await redis.publish(user_id)
            assert await received(socket) == as_sent(last)


async def _break(redis: FakeBackRedis, *, streams_only: bool = False) -> None:
    redis.up, redis.streams_up = streams_only, False

    async def broken() -> bool:
        return redis.subscribed == 0

    await until(broken)
    redis.streams_up = not streams_only


class TestRevocation:
    async def test_the_end_of_a_session_closes_its_sockets(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id, sid = uuid4(), uuid4()
        async with (
            service.open(ticket=redis.ticket(user_id, sid)) as ended,
            service.open(ticket=redis.ticket(user_id)) as other,
        ):
            await redis.revoke(Revocation(sid=sid))
            assert await close_code(ended) == 4401
            envelope = await redis.publish(user_id)
            assert await received(other) == as_sent(envelope)

    async def test_a_revoked_generation_closes_all_sockets_before_it(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        ada, bob = uuid4(), uuid4()
        async with (
            service.open(ticket=redis.ticket(ada)) as first,
            service.open(ticket=redis.ticket(ada, generation=2)) as second,
            service.open(ticket=redis.ticket(ada, generation=3)) as later,
            service.open(ticket=redis.ticket(bob)) as other,
        ):
            await redis.revoke(Revocation(user_id=ada, generation=3))
            assert await close_code(first) == 4401
            assert await close_code(second) == 4401
            for user_id, socket in ((ada, later), (bob, other)):
                envelope = await redis.publish(user_id)
                assert await received(socket) == as_sent(envelope)

    async def test_a_ticket_of_an_ended_session_opens_nothing(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        ended = uuid4()
        ticket = redis.ticket(sid=ended)
        async with service.open(ticket=redis.ticket(sid=ended)) as witness:
            await redis.revoke(Revocation(sid=ended))
            assert await close_code(witness) == 4401
        status, problem = await refusal(service, ticket=ticket)
        assert (status, problem["code"]) == (401, "session_revoked")

    async def test_a_ticket_of_a_session_that_back_redis_does_not_know_opens_nothing(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        unknown = uuid4()
        redis.ended.add(unknown)
        status, problem = await refusal(service, ticket=redis.ticket(sid=unknown))
        assert (status, problem["code"]) == (401, "session_revoked")

    async def test_a_session_of_the_new_generation_opens_one(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id = uuid4()
        ticket = redis.ticket(user_id)
        async with service.open(ticket=redis.ticket(user_id)) as before:
            await redis.revoke(Revocation(user_id=user_id, generation=2))
            assert await close_code(before) == 4401
        status, problem = await refusal(service, ticket=ticket)
        assert (status, problem["code"]) == (401, "session_revoked")
        async with service.open(ticket=redis.ticket(user_id, generation=2)) as socket:
            envelope = await redis.publish(user_id)
            assert await received(socket) == as_sent(envelope)


class TestExpiry:
    async def test_closes_the_sockets_of_a_session_that_has_run_out(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        sid = uuid4()
        redis.ends[sid] = now() + timedelta(seconds=0.3)
        async with service.open(ticket=redis.ticket(sid=sid)) as socket:
            assert await close_code(socket) == 4401

    async def test_a_session_that_was_refreshed_keeps_its_socket(
        self, service: Running, redis: FakeBackRedis
    ) -> None:
        user_id, sid = uuid4(), uuid4()
        redis.ends[sid] = now() + timedelta(seconds=0.3)
        async with service.open(ticket=redis.ticket(user_id, sid)) as socket:
            redis.ends[sid] = now() + timedelta(hours=1)
            await until(lambda: redis.asked == [sid])
            envelope = await redis.publish(user_id)
            assert await received(socket) == as_sent(envelope)
            redis.ended.add(sid)
            await redis.revoke(Revocation(sid=sid))
            assert await close_code(socket) == 4401

    async def test_while_back_auth_is_out_the_socket_stays_and_ends_afterwards(
        self, service: Running, redis: FakeBackRedis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("session_expiry._LONGEST_RETRY_SECONDS", 0.1)
        user_id, sid = uuid4(), uuid4()
        redis.ends[sid] = now() + timedelta(seconds=0.3)
        async with service.open(ticket=redis.ticket(user_id, sid)) as socket:
            redis.auth_up = False
            await until(lambda: redis.refused)
            envelope = await redis.publish(user_id)
            assert await received(socket) == as_sent(envelope)
            redis.auth_up = True
            assert await close_code(socket) == 4401
