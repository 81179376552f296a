"""Unread counts: sets of ids that any order and any repeat of the events lead to."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from settings import Settings
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.notification import (
    NotificationCreated,
    NotificationRead,
    UnreadItem,
    UnreadItems,
)
from shared.testing.asgi_client import AsgiClient
from shared.testing.identities import Identities
from stores.unread_store import UnreadStore
from valkey_client import ValkeyClient

MINUTE = timedelta(minutes=1)
NOTHING = UnreadItems(items=[], complete=True)


def envelope(
    event_type: str, payload: dict[str, object], event_id: UUID, at: datetime
) -> EventEnvelope:
    return EventEnvelope.model_validate(
        {
            "event_id": event_id,
            "event_type": event_type,
            "occurred_at": at,
            "correlation_id": "correlation-1",
            "payload": payload,
        }
    )


def created(user_id: UUID, *, at: datetime | None = None) -> EventEnvelope:
    event_id, moment = uuid4(), at or now()
    payload = NotificationCreated(
        user_id=user_id,
        id=event_id,
        kind="welcome",
        title="t",
        body="b",
        data={},
        created_at=moment,
        language="en",
        channels=[],
    )
    return envelope("notification.created", payload.model_dump(mode="json"), event_id, moment)


def read(user_id: UUID, *ids: UUID, at: datetime | None = None) -> EventEnvelope:
    """What is read; without ids all that was made until then."""
    payload = NotificationRead(user_id=user_id, ids=list(ids) or None)
    return envelope("notification.read", payload.model_dump(mode="json"), uuid4(), at or now())


def items(*events: EventEnvelope, complete: bool = True) -> UnreadItems:
    found = [UnreadItem(id=event.event_id, created_at=event.occurred_at) for event in events]
    return UnreadItems(items=found, complete=complete)


@pytest.fixture
def user_id() -> UUID:
    return uuid4()


class TestApply:
    async def test_a_repeat_counts_once(self, unread: UnreadStore, user_id: UUID) -> None:
        event = created(user_id)
        await asyncio.gather(*(unread.apply([event, event]) for _ in range(10)))
        assert (await unread.count(user_id)).unread == 1

    async def test_what_is_read_twice_is_taken_off_once(
        self, unread: UnreadStore, user_id: UUID
    ) -> None:
        first, second = created(user_id), created(user_id)
        await unread.apply([first, second])
        for _ in range(2):
            await unread.apply([read(user_id, first.event_id)])
        assert (await unread.count(user_id)).unread == 1

    async def test_every_order_leads_to_the_same_count(self, unread: UnreadStore) -> None:
        for order in permutations(range(5)):
            user_id, noon = uuid4(), now()
            old, new, newer = (created(user_id, at=noon + n * MINUTE) for n in (-1, 1, 2))
            events = [old, new, newer, read(user_id, at=noon), read(user_id, new.event_id)]
            for number in order:
                await unread.apply([events[number]])
            assert (await unread.count(user_id)).unread == 1, order

    async def test_all_until_the_latest_mark_is_read(
        self, unread: UnreadStore, user_id: UUID
    ) -> None:
        noon = now()
        await unread.apply([read(user_id, at=noon)])
        await unread.apply([read(user_id, at=noon - 5 * MINUTE)])
        await unread.apply([created(user_id, at=noon), created(user_id, at=noon - MINUTE)])
        assert (await unread.count(user_id)).unread == 0

    async def test_each_user_has_a_count(self, unread: UnreadStore, user_id: UUID) -> None:
        event = created(user_id)
        await unread.apply([event, created(uuid4()), read(uuid4(), event.event_id), read(uuid4())])
        assert (await unread.count(user_id)).unread == 1

    async def test_what_it_does_not_take_costs_no_other(
        self, unread: UnreadStore, user_id: UUID
    ) -> None:
        strange = envelope("notification.snoozed", {"user_id": str(user_id)}, uuid4(), now())
        broken = envelope("notification.created", {"user_id": str(user_id)}, uuid4(), now())
        refused = await unread.apply([strange, created(user_id), broken])
        assert refused == [strange.event_id, broken.event_id]
        assert (await unread.count(user_id)).unread == 1

    async def test_the_keys_of_a_user_end(
        self, unread: UnreadStore, raw: Redis, user_id: UUID
    ) -> None:
        event = created(user_id)
        await unread.apply([event, created(user_id), read(user_id, event.event_id)])
        await unread.apply([read(user_id, at=now() - MINUTE)])
        keys = [key async for key in raw.scan_iter(f"unread*:{user_id}")]
        assert len(keys) == 4
        for key in keys:
            assert 7_775_990 <= await raw.ttl(key) <= 7_776_000


class TestRebuild:
    async def test_a_count_is_known_once_it_was_built(
        self, unread: UnreadStore, user_id: UUID
    ) -> None:
        count = await unread.count(user_id)
        assert (count.unread, count.known, count.current) == (0, False, False)
        old = created(user_id)
        built = await unread.rebuild(user_id, items(old))
        assert (built.unread, built.known, built.current) == (1, True, True)
        assert await unread.count(user_id) == built

    async def test_a_count_that_is_lost_is_right_once_it_was_built_again(
        self, unread: UnreadStore, raw: Redis, user_id: UUID
    ) -> None:
        events = [created(user_id) for _ in range(3)]
        await unread.apply(events)
        await unread.rebuild(user_id, items(*events))
        await raw.flushdb()
        await unread.apply([late := created(user_id)])
        assert not (await unread.count(user_id)).known
        assert (await unread.rebuild(user_id, items(*events, late))).unread == 4

    async def test_what_is_added_before_the_timeline_has_it_stays(
        self, unread: UnreadStore, user_id: UUID
    ) -> None:
        old, new = created(user_id), created(user_id)
        seen = items(old)
        await unread.apply([new])
        assert (await unread.rebuild(user_id, seen)).unread == 2
        assert (await unread.rebuild(user_id, items(old, new))).unread == 2

    async def test_what_is_read_after_the_timeline_was_asked_stays_out(
        self, unread: UnreadStore, user_id: UUID
    ) -> None:
        old, older = created(user_id), created(user_id, at=now() - 9 * MINUTE)
        seen = items(old, older)
        await unread.apply([read(user_id, old.event_id), read(user_id, at=now() - MINUTE)])
        assert (await unread.rebuild(user_id, seen)).unread == 0

    async def test_what_the_timeline_does_not_have_goes_after_a_while(
        self, valkey: ValkeyClient, settings: Settings, user_id: UUID
    ) -> None:
        unread = UnreadStore(valkey, settings.model_copy(update={"unread_pending_seconds": 0}))
        await unread.apply([created(user_id)])
        assert (await unread.rebuild(user_id, NOTHING)).unread == 0

    async def test_a_count_is_checked_after_a_while(
        self, valkey: ValkeyClient, settings: Settings, user_id: UUID
    ) -> None:
        unread = UnreadStore(valkey, settings.model_copy(update={"unread_checked_seconds": 0}))
        await unread.rebuild(user_id, NOTHING)
        count = await unread.count(user_id)
        assert (count.known, count.current) == (True, False)


class TestBound:
    async def test_the_newest_are_counted(
        self, unread: UnreadStore, user_id: UUID, few: Callable[[int], None]
    ) -> None:
        few(3)
        noon = now()
        events = [created(user_id, at=noon - n * MINUTE) for n in range(5)]
        await unread.rebuild(user_id, NOTHING)
        await unread.apply(events)
        count = await unread.count(user_id)
        assert (count.unread, count.current) == (3, True)

        await unread.apply([read(user_id, events[0].event_id)])
        count = await unread.count(user_id)
        assert (count.unread, count.current) == (2, False)
        built = await unread.rebuild(user_id, items(*events[1:4], complete=False))
        assert (built.unread, built.current) == (3, True)

    @pytest.fixture
    def few(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
        return lambda most: monkeypatch.setattr("stores.unread_store.UNREAD_MAX", most)

    async def test_marks_are_bounded(
        self,
        unread: UnreadStore,
        raw: Redis,
        user_id: UUID,
        few: Callable[[int], None],
    ) -> None:
        few(2)
        await unread.apply([read(user_id, *(uuid4() for _ in range(30)))])
        assert await raw.zcard(f"unread-read:{user_id}") == 20

    async def test_marks_are_forgotten(
        self, valkey: ValkeyClient, settings: Settings, raw: Redis, user_id: UUID
    ) -> None:
        unread = UnreadStore(valkey, settings.model_copy(update={"unread_marks_kept_seconds": 0}))
        await unread.apply([read(user_id, uuid4())])
        await unread.apply([read(user_id, last := uuid4())])
        assert await raw.zrange(f"unread-read:{user_id}", 0, -1) == [str(last)]


class TestCalls:
    async def test_apply_build_and_count(
        self, client: AsgiClient, keys: Identities, user_id: UUID
    ) -> None:
        api = keys.assertion(caller="back-api", to="back-redis")
        workers = keys.assertion(caller="back-workers", to="back-redis")
        event = created(user_id)

        async def apply(events: Sequence[EventEnvelope], headers: dict[str, str]) -> object:
            body = {"events": [it.model_dump(mode="json") for it in events]}
            reply = await client.post("/unread/events", json=body, headers=headers)
            return reply.status, reply.json()

        path = f"/users/{user_id}/unread"
        assert (await client.get(path, headers=api)).json() == {
            "unread": 0,
            "known": False,
            "current": False,
        }
        assert await apply([event], workers) == (200, {"refused": []})
        body = items(event).model_dump(mode="json")
        built = await client.request("PUT", path, json=body, headers=api)
        assert built.json() == {"unread": 1, "known": True, "current": True}
        assert await apply([read(user_id)], api) == (200, {"refused": []})
        assert (await client.get(path, headers=api)).json()["unread"] == 0


class TestDeletedUser:
    async def test_leaves_no_key(self, unread: UnreadStore, user_id: UUID, raw: Redis) -> None:
        await unread.apply([created(user_id), read(user_id)])
        deleted = envelope("user.deleted", {"user_id": str(user_id)}, uuid4(), now())
        assert await unread.apply([created(user_id), deleted]) == []
        assert await raw.keys(f"*{user_id}*") == []
