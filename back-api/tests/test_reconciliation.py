"""Outbox, timelines and unread counts: what disagrees is found, and mended when asked."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fakes import FakeDeliveries, FakeTimeline, FakeUnreadCounts
from stub_services import StubServices

from features.event_administration.__main__ import main
from features.event_administration.reconciliation import Reconciler, Reconciliation
from shared.models.account import UserDeleted
from shared.models.base import EventPayload, now
from shared.models.event import EventEnvelope
from shared.models.event_administration import ShownDelivery
from shared.models.notification import NotificationCreated, NotificationRead
from shared.testing.asgi_client import in_memory

USER = UUID(int=7)
DAY = timedelta(days=1)


def envelope(event_type: str, payload: EventPayload, event_id: UUID | None = None) -> EventEnvelope:
    return EventEnvelope(
        event_id=event_id or uuid4(),
        event_type=event_type,
        occurred_at=now(),
        correlation_id="correlation-1",
        payload=payload.model_dump(mode="json"),
    )


def created() -> EventEnvelope:
    made = NotificationCreated(
        user_id=USER,
        id=uuid4(),
        kind="admin_message",
        title="Maintenance",
        body="Tonight",
        data={},
        created_at=now(),
        language="en",
        channels=[],
    )
    return envelope("notification.created", made, made.id)


def read(*ids: UUID) -> EventEnvelope:
    return envelope("notification.read", NotificationRead(user_id=USER, ids=list(ids) or None))


class World:
    """Events that were delivered, and what is stored of them."""

    def __init__(
        self, deliveries: FakeDeliveries, timeline: FakeTimeline, counts: FakeUnreadCounts
    ) -> None:
        self.deliveries, self.timeline, self.counts = deliveries, timeline, counts
        self.reconciler = Reconciler(deliveries, timeline, counts)

    def deliver(self, *envelopes: EventEnvelope) -> None:
        self.deliveries.deliveries += [
            ShownDelivery(
                **it.model_dump(),
                delivery_id=uuid4(),
                consumer="timeline",
                aggregate_id=USER,
                state="done",
                attempts=0,
                last_error=None,
                due_at=now(),
                created_at=now(),
                done_at=now(),
            )
            for it in envelopes
        ]

    async def store(self, *envelopes: EventEnvelope) -> None:
        """What the consumers do with events; a count is built first."""
        await self.timeline.apply(envelopes)
        await self.counts.rebuild(USER, await self.timeline.unread(USER))

    async def found(self, *, dry_run: bool = False) -> list[tuple[str, list[UUID], bool]]:
        result = await self.reconciler.run(now() - DAY, dry_run=dry_run)
        assert {it.user_id for it in result.disagreements} <= {USER}
        return [(it.what, it.ids, it.mended) for it in result.disagreements]


@pytest.fixture
def world(stubs: StubServices) -> World:
    return World(stubs.deliveries, stubs.timeline, stubs.unread)


class TestReconciliation:
    async def test_nothing_disagrees(self, world: World) -> None:
        events = [created(), created()]
        events.append(read(events[0].event_id))
        world.deliver(*events)
        await world.store(*events)
        result = await world.reconciler.run(now() - DAY, dry_run=False)
        assert result == Reconciliation(events=3, users=1, disagreements=[])

    async def test_what_is_missing_is_added(self, world: World) -> None:
        kept, lost = created(), created()
        world.deliver(kept, lost)
        await world.store(kept)
        assert await world.found(dry_run=True) == [("missing", [lost.event_id], False)]
        assert list(world.timeline.created) == [kept.event_id]
        assert await world.found() == [
            ("missing", [lost.event_id], True),
            ("count", [lost.event_id, kept.event_id], True),
        ]
        assert await world.found() == []

    @pytest.mark.parametrize("one", [True, False], ids=["one", "all"])
    async def test_what_was_read_is_read(self, world: World, *, one: bool) -> None:
        new = created()
        reading = read(new.event_id) if one else read()
        world.deliver(new, reading)
        await world.store(new)
        assert await world.found() == [("unread", [new.event_id], True), ("count", [], True)]
        assert await world.found() == []

    async def test_a_wrong_count_is_built_again(self, world: World) -> None:
        new = created()
        world.deliver(new)
        await world.store(new)
        world.counts.unread[USER].add(uuid4())
        assert await world.found(dry_run=True) == [("count", [new.event_id], False)]
        assert await world.found() == [("count", [new.event_id], True)]
        assert world.counts.unread[USER] == {new.event_id}

    async def test_an_unknown_count_is_no_disagreement(self, world: World) -> None:
        new = created()
        world.deliver(new)
        await world.timeline.apply([new])
        assert await world.found() == []

    async def test_a_deleted_user_is_left_out(self, world: World) -> None:
        late = created()
        forgotten = created().model_copy(update={"payload": {"user_id": str(USER)}})
        world.deliver(late, envelope("user.deleted", UserDeleted(user_id=USER)), forgotten)
        result = await world.reconciler.run(now() - DAY, dry_run=False)
        assert result.disagreements == []
        assert world.timeline.created == {}

    async def test_timelines_of_many_pages_are_compared(self, world: World) -> None:
        events = [created() for _ in range(450)]
        world.deliver(*events)
        await world.store(*events[1:])
        assert (await world.found())[0] == ("missing", [events[0].event_id], True)
        assert await world.found() == []


def test_the_command_says_what_disagrees(
    environment: pytest.MonkeyPatch,
    stubs: StubServices,
    world: World,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost = created()
    world.deliver(lost)
    connect = in_memory(stubs.apps())
    assert main(["reconcile", "--dry-run"], connect) == 1
    header, row, compared = capsys.readouterr().out.splitlines()
    assert header.split() == ["what", "user_id", "mended", "ids"]
    assert row.split() == ["missing", str(USER), "False", str(lost.event_id)]
    assert compared == "1 events of 1 users were compared, 1 disagree."
    assert main(["reconcile", "--json"], connect) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["disagreements"][0]["mended"] is True
    assert main(["reconcile", "--dry-run", "--since", "2026-01-01"], connect) == 0
    assert capsys.readouterr().out == "1 events of 1 users were compared, 0 disagree.\n"
