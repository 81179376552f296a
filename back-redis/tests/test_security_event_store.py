"""Security events: stored until they are acknowledged, counted where they are too many."""

from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from settings import Settings
from shared.models.auth import LoginFailed, RecordSecurityEvent
from shared.models.event import NewEvent
from stores.security_event_store import SecurityEventStore
from valkey_client import ValkeyClient


def failed(cause_id: UUID | None = None, *, once_seconds: int | None = None) -> RecordSecurityEvent:
    user_id = uuid4()
    payload = LoginFailed(
        user_id=user_id, reason="wrong_password", network="192.0.2.7", device="a browser"
    )
    event = NewEvent.of(
        "auth.login.failed",
        payload,
        aggregate_id=user_id,
        command_id=cause_id or uuid4(),
        correlation_id="correlation-1",
    )
    return RecordSecurityEvent(event=event, once_seconds=once_seconds)


class TestSecurityEvents:
    async def test_stay_in_their_order_until_they_are_acknowledged(
        self, events: SecurityEventStore
    ) -> None:
        recorded = [failed() for _ in range(3)]
        for new in recorded:
            assert (await events.record(new)).stored
        first = await events.read(2, None)
        rest = await events.read(2, first.items[-1].id)
        found = [*first.items, *rest.items]
        assert [it.event for it in found] == [new.event for new in recorded]
        await events.acknowledge([found[0].id, found[2].id])
        await events.acknowledge([found[0].id])
        assert [it.id for it in (await events.read(9, None)).items] == [found[1].id]

    async def test_without_an_event_an_attempt_is_counted(self, events: SecurityEventStore) -> None:
        for _ in range(2):
            assert not (await events.record(RecordSecurityEvent())).stored
        found = await events.read(9, None)
        assert (found.items, found.counted) == ([], 2)

    async def test_one_that_is_wanted_once_is_counted_when_it_comes_again(
        self, events: SecurityEventStore, raw: Redis
    ) -> None:
        once = failed(once_seconds=900)
        stored = [(await events.record(once)).stored for _ in range(3)]
        assert stored == [True, False, False]
        found = await events.read(9, None)
        assert (len(found.items), found.counted) == (1, 2)
        [marker] = await raw.keys("security-event:*")
        assert 890 <= await raw.ttl(marker) <= 900

    async def test_a_full_stream_stores_no_more_and_loses_none(
        self, valkey: ValkeyClient, settings: Settings
    ) -> None:
        full = settings.model_copy(update={"security_events_max": 2})
        events = SecurityEventStore(valkey, full)
        once = failed(once_seconds=900)
        stored = [(await events.record(new)).stored for new in (failed(), failed(), once)]
        assert stored == [True, True, False]
        found = await events.read(9, None)
        assert (len(found.items), found.counted) == (2, 1)
        await events.acknowledge([found.items[0].id])
        assert (await events.record(once)).stored, "what was only counted leaves no marker"


@pytest.mark.usefixtures("raw")
async def test_nothing_is_stored_at_first(events: SecurityEventStore) -> None:
    found = await events.read(9, None)
    assert (found.items, found.counted) == ([], 0)
