"""The tests that the fake and the real timeline both pass."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from routes.timeline import Timeline
from shared.kit.http.page_position import END, PagePosition
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.notification import (
    Notification,
    NotificationCreated,
    NotificationRead,
)

MINUTE = timedelta(minutes=1)
KEPT_SECONDS = 7_776_000


def created(
    user_id: UUID, *, at: datetime | None = None, title: str = "¡Hola! 😀"
) -> EventEnvelope:
    event_id, moment = uuid4(), at or now()
    payload = NotificationCreated(
        user_id=user_id,
        id=event_id,
        kind="admin_message",
        title=title,
        body="first line\nsecond line",
        data={"path": "/app", "deep": [1, None]},
        created_at=moment,
        language="es",
        channels=["live"],
    )
    return envelope("notification.created", payload.model_dump(mode="json"), event_id, moment)


def read(user_id: UUID, ids: Sequence[UUID] | None, *, at: datetime | None = None) -> EventEnvelope:
    payload = NotificationRead(user_id=user_id, ids=None if ids is None else list(ids))
    return envelope("notification.read", payload.model_dump(mode="json"), uuid4(), at or now())


def envelope(
    event_type: str, payload: dict[str, object], event_id: UUID, moment: datetime
) -> EventEnvelope:
    return EventEnvelope.model_validate(
        {
            "event_id": event_id,
            "event_type": event_type,
            "occurred_at": moment,
            "correlation_id": "corr-1",
            "payload": payload,
        }
    )


async def all_pages(
    timeline: Timeline, user_id: UUID, *, limit: int = 10, unread: bool = False
) -> list[list[Notification]]:
    pages: list[list[Notification]] = []
    before = END
    while True:
        page = await timeline.page(user_id=user_id, unread=unread, limit=limit, before=before)
        pages.append(page.items)
        if page.next is None:
            return pages
        assert len(pages) < 100, "the pages have no end"
        before = PagePosition.from_cursor(page.next)


async def one_page(
    timeline: Timeline, user_id: UUID, *, unread: bool = False
) -> list[Notification]:
    [page] = await all_pages(timeline, user_id, limit=200, unread=unread)
    return page


class TimelineContract:
    async def test_of_nobody_is_empty(self, timeline: Timeline) -> None:
        user_id = uuid4()
        assert await all_pages(timeline, user_id) == [[]]
        assert await all_pages(timeline, user_id, unread=True) == [[]]
        assert (await timeline.unread(user_id)).items == []

    async def test_holds_what_was_made_for_its_user(self, timeline: Timeline) -> None:
        user_id = uuid4()
        event = created(user_id)
        await timeline.apply([event, created(uuid4())])

        expected = Notification.model_validate(event.payload | {"read_at": None})
        assert await all_pages(timeline, user_id) == [[expected]]

    async def test_a_repeat_changes_nothing(self, timeline: Timeline) -> None:
        user_id = uuid4()
        events = [created(user_id), created(user_id)]
        events.append(read(user_id, [events[0].event_id]))
        await timeline.apply(events)
        before = await all_pages(timeline, user_id)

        await timeline.apply(list(reversed(events)))

        assert await all_pages(timeline, user_id) == before

    async def test_what_it_does_not_take_costs_no_other(self, timeline: Timeline) -> None:
        user_id = uuid4()
        stored = created(user_id)
        strange = envelope("notification.snoozed", {"user_id": str(user_id)}, uuid4(), now())
        broken = envelope("notification.read", {"user_id": str(user_id)}, uuid4(), now())

        refused = await timeline.apply([strange, stored, broken])

        assert refused == [strange.event_id, broken.event_id]
        [item] = await one_page(timeline, user_id)
        assert (item.id, item.read_at) == (stored.event_id, None)

    async def test_comes_newest_first_by_pages_without_a_gap(self, timeline: Timeline) -> None:
        user_id, noon = uuid4(), now()
        events = [created(user_id, at=noon - n // 2 * MINUTE) for n in range(7)]
        await timeline.apply(events)

        pages = await all_pages(timeline, user_id, limit=3)

        assert [len(page) for page in pages] == [3, 3, 1]
        found = [(item.created_at, item.id) for page in pages for item in page]
        assert found == sorted(((it.occurred_at, it.event_id) for it in events), reverse=True)
        assert [len(page) for page in await all_pages(timeline, user_id, limit=7)] == [7]

    async def test_a_mark_may_come_before_what_it_marks(self, timeline: Timeline) -> None:
        user_id = uuid4()
        event = created(user_id)
        marked = read(user_id, [event.event_id])
        await timeline.apply([marked])
        await timeline.apply([event])

        [item] = await one_page(timeline, user_id)
        assert item.read_at == marked.occurred_at
        assert await one_page(timeline, user_id, unread=True) == []

    async def test_the_first_mark_counts_in_any_order(self, timeline: Timeline) -> None:
        user_id, noon = uuid4(), now()
        events = [created(user_id, at=noon - 9 * MINUTE) for _ in range(2)]
        first, second = events[0].event_id, events[1].event_id
        await timeline.apply(events)
        for marks in (
            [read(user_id, [first], at=noon), read(user_id, [first], at=noon - MINUTE)],
            [read(user_id, [second], at=noon - MINUTE), read(user_id, [second], at=noon)],
        ):
            for mark in marks:
                await timeline.apply([mark])

        assert [item.read_at for item in await one_page(timeline, user_id)] == [noon - MINUTE] * 2

    async def test_all_that_was_made_until_then_is_read(self, timeline: Timeline) -> None:
        user_id, noon = uuid4(), now()
        old, older, new = (
            created(user_id, at=noon - MINUTE),
            created(user_id, at=noon - 3 * MINUTE),
            created(user_id, at=noon + MINUTE),
        )
        marks = [read(user_id, None, at=noon), read(user_id, None, at=noon - 2 * MINUTE)]
        await timeline.apply(marks)
        await timeline.apply([old, older, new])
        await timeline.apply([read(user_id, [older.event_id], at=noon + 9 * MINUTE)])

        assert {item.id: item.read_at for item in await one_page(timeline, user_id)} == {
            new.event_id: None,
            old.event_id: noon,
            older.event_id: noon - 2 * MINUTE,
        }
        assert [it.id for it in await one_page(timeline, user_id, unread=True)] == [new.event_id]
        unread = await timeline.unread(user_id)
        assert ([item.id for item in unread.items], unread.complete) == ([new.event_id], True)

    async def test_unread_ones_come_by_pages(self, timeline: Timeline) -> None:
        user_id, noon = uuid4(), now()
        events = [created(user_id, at=noon - n * MINUTE) for n in range(9)]
        await timeline.apply(events)
        await timeline.apply([read(user_id, [event.event_id for event in events[1::3]])])

        pages = await all_pages(timeline, user_id, limit=2, unread=True)

        wanted = [event.event_id for n, event in enumerate(events) if n % 3 != 1]
        assert [item.id for page in pages for item in page] == wanted
        assert [len(page) for page in pages] == [2, 2, 2]
        counted = await timeline.unread(user_id)
        assert [item.id for item in counted.items] == wanted
        assert counted.items[0].created_at == noon

    @pytest.mark.parametrize("unread", [True, False])
    async def test_a_page_is_of_a_span(self, timeline: Timeline, *, unread: bool) -> None:
        user_id, noon = uuid4(), now()
        events = [created(user_id, at=noon - n * MINUTE) for n in range(4)]
        await timeline.apply(events)

        page = await timeline.page(
            user_id=user_id,
            unread=unread,
            limit=9,
            before=PagePosition.after(noon, UUID(int=0)),
            since=noon - 2 * MINUTE,
        )

        assert [item.id for item in page.items] == [event.event_id for event in events[1:3]]

    async def test_a_mark_of_one_user_marks_nothing_of_another(self, timeline: Timeline) -> None:
        user_id, stranger = uuid4(), uuid4()
        event = created(user_id)
        await timeline.apply(
            [event, read(stranger, [event.event_id]), read(stranger, None, at=now() + MINUTE)]
        )

        [item] = await one_page(timeline, user_id)
        assert item.read_at is None

    @pytest.mark.parametrize("seconds, kept", [(KEPT_SECONDS - 60, 1), (KEPT_SECONDS + 60, 0)])
    async def test_what_is_too_old_is_not_kept(
        self, timeline: Timeline, seconds: int, kept: int
    ) -> None:
        user_id = uuid4()
        await timeline.apply([created(user_id, at=now() - timedelta(seconds=seconds))])

        assert len(await one_page(timeline, user_id)) == kept

    async def test_a_deleted_user_has_none_and_gets_none(self, timeline: Timeline) -> None:
        user_id, other = uuid4(), uuid4()
        event, kept = created(user_id), created(other)
        await timeline.apply([event, kept, read(user_id, [event.event_id]), read(user_id, None)])
        deleted = envelope("user.deleted", {"user_id": str(user_id)}, uuid4(), now())

        assert await timeline.apply([deleted]) == []
        await timeline.apply([event, created(user_id)])

        assert await one_page(timeline, user_id) == []
        assert (await timeline.unread(user_id)).items == []
        assert [it.id for it in await one_page(timeline, other)] == [kept.event_id]
