"""Live events are published once and read from the last one that was seen."""

import asyncio
import time
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from settings import Settings
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import LiveEvent, LiveEvents, PublishLive, position_id
from stores.live_store import LIVE, LiveStore
from tests.stream_entries import stream_entries
from valkey_client import ValkeyClient


def envelope(number: int = 1) -> EventEnvelope:
    return EventEnvelope(
        event_id=uuid4(),
        event_type="profile.created",
        occurred_at=now(),
        correlation_id="correlation-1",
        payload={"number": number, "name": "Zoë 🦉"},
    )


def _order(stream_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in stream_id.split("-"))


async def publish(live: LiveStore, user_id: UUID, count: int) -> list[EventEnvelope]:
    envelopes = [envelope(number) for number in range(count)]
    await live.publish([PublishLive(user_id=user_id, envelope=one) for one in envelopes])
    return envelopes


class TestPublish:
    async def test_puts_the_event_on_both_streams_under_one_id(
        self, live: LiveStore, raw: Redis
    ) -> None:
        new = PublishLive(user_id=uuid4(), envelope=envelope())
        (published,) = await live.publish([new])
        assert not published.duplicate
        [(live_id, fields)] = await stream_entries(raw, LIVE)
        assert live_id == published.stream_id
        assert LiveEvent.model_validate_json(fields["event"]) == LiveEvent(
            user_id=new.user_id, envelope=new.envelope
        )
        [(own_id, _)] = await stream_entries(raw, f"stream:live:{new.user_id}")
        assert own_id == live_id
        assert 86_390 <= await raw.ttl(f"stream:live:{new.user_id}") <= 86_400

    async def test_of_ten_repeats_at_once_one_is_new(self, live: LiveStore, raw: Redis) -> None:
        new = PublishLive(user_id=uuid4(), envelope=envelope())
        answers = [it for (it,) in await asyncio.gather(*(live.publish([new]) for _ in range(10)))]
        assert [answer.duplicate for answer in answers].count(False) == 1
        assert len({answer.stream_id for answer in answers}) == 1
        assert await raw.xlen(LIVE) == 1

    async def test_several_keep_their_order_and_repeats_among_them_are_known(
        self, live: LiveStore, raw: Redis
    ) -> None:
        ada, bob = uuid4(), uuid4()
        events = [PublishLive(user_id=user, envelope=envelope()) for user in (ada, bob, ada)]
        before = await live.publish(events[:1])
        published = await live.publish([*events, events[1]])
        assert [it.duplicate for it in published] == [True, False, False, True]
        assert published[0].stream_id == before[0].stream_id
        assert published[3].stream_id == published[1].stream_id
        ids = [stream_id for stream_id, _ in await stream_entries(raw, LIVE)]
        assert ids == [it.stream_id for it in published[:3]]

    async def test_both_streams_are_bounded(
        self, valkey: ValkeyClient, settings: Settings, raw: Redis
    ) -> None:
        tight = settings.model_copy(
            update={"live_stream_length": 300, "live_events_kept_per_user": 5}
        )
        user_id = uuid4()
        await publish(LiveStore(valkey, tight), user_id, 450)
        assert await raw.xlen(f"stream:live:{user_id}") == 5
        assert 300 <= await raw.xlen(LIVE) < 400


class TestSince:
    async def test_returns_the_events_after_the_given_one(self, live: LiveStore) -> None:
        user_id = uuid4()
        events = await publish(live, user_id, 3)
        await publish(live, uuid4(), 2)
        missed = await live.since(user_id, events[0].event_id)
        assert missed.items == events[1:]
        assert missed.complete

    async def test_after_the_last_there_is_nothing(self, live: LiveStore) -> None:
        user_id = uuid4()
        events = await publish(live, user_id, 2)
        missed = await live.since(user_id, events[-1].event_id)
        assert missed.items == []
        assert missed.complete

    async def test_after_a_position_come_those_of_the_user_that_are_later(
        self, live: LiveStore
    ) -> None:
        user_id = uuid4()
        await publish(live, user_id, 2)
        [other] = await publish(live, uuid4(), 1)
        here = (await live.since(user_id, other.event_id)).position
        assert here
        assert await live.since(user_id, position_id(here)) == LiveEvents(
            items=[], complete=True, position=here
        )
        missed = await publish(live, user_id, 2)
        found = await live.since(user_id, position_id(here))
        assert found.items == missed
        assert found.complete
        assert _order(here) < _order(found.position or "")

    async def test_after_a_position_as_many_as_are_kept_may_not_be_all(
        self, valkey: ValkeyClient, settings: Settings
    ) -> None:
        live = LiveStore(valkey, settings.model_copy(update={"live_events_kept_per_user": 2}))
        user_id = uuid4()
        [seen] = await publish(live, user_id, 1)
        here = (await live.since(user_id, seen.event_id)).position
        assert here
        for complete in (True, False, False):
            await publish(live, user_id, 1)
            assert (await live.since(user_id, position_id(here))).complete is complete

    @pytest.mark.parametrize("position", ["0-0", "1-1", "281474976710655-4611686018427387903"])
    async def test_after_an_unknown_position_all_are_returned(
        self, live: LiveStore, position: str
    ) -> None:
        user_id = uuid4()
        events = await publish(live, user_id, 2)
        found = await live.since(user_id, position_id(position))
        assert found.items == events
        assert not found.complete

    async def test_events_older_than_their_lifetime_are_not_returned(
        self, live: LiveStore, raw: Redis
    ) -> None:
        user_id = uuid4()
        long_ago = int(time.time() - 86_401) * 1000
        old = envelope().model_dump_json()
        await raw.xadd(f"stream:live:{user_id}", {"envelope": old}, id=f"{long_ago}-1")
        await raw.xadd(LIVE, {"event": old}, id=f"{long_ago}-1")
        events = await publish(live, user_id, 1)
        for since in (uuid4(), position_id(f"{long_ago}-1")):
            found = await live.since(user_id, since)
            assert found.items == events
            assert not found.complete

    @pytest.mark.parametrize("gone", ["trimmed", "unknown", "someone else's"])
    async def test_when_the_event_is_no_longer_kept_all_are_returned(
        self, valkey: ValkeyClient, settings: Settings, gone: str
    ) -> None:
        live = LiveStore(valkey, settings.model_copy(update={"live_events_kept_per_user": 2}))
        user_id = uuid4()
        events = await publish(live, user_id, 3)
        [other] = await publish(live, uuid4(), 1)
        since = {
            "trimmed": events[0].event_id,
            "unknown": uuid4(),
            "someone else's": other.event_id,
        }
        missed = await live.since(user_id, since[gone])
        assert missed.items == events[1:]
        assert not missed.complete


def deleted(user_id: UUID) -> EventEnvelope:
    return EventEnvelope(
        event_id=uuid4(),
        event_type="user.deleted",
        occurred_at=now(),
        correlation_id="correlation-1",
        payload={"user_id": str(user_id)},
    )


class TestDeletedUser:
    async def test_leaves_nothing_but_that_it_was_deleted(
        self, live: LiveStore, raw: Redis
    ) -> None:
        user_id, other = uuid4(), uuid4()
        await publish(live, user_id, 3)
        kept = await publish(live, other, 2)
        event = deleted(user_id)
        for _ in range(2):
            await live.publish([PublishLive(user_id=user_id, envelope=event)])
        left = [
            LiveEvent.model_validate_json(fields["event"]).envelope.event_id
            for _, fields in await stream_entries(raw, LIVE)
        ]
        assert left == [*(it.event_id for it in kept), event.event_id]
        assert await raw.xlen(f"stream:live:{user_id}") == 1
        assert await raw.xlen(f"stream:live:{other}") == 2
