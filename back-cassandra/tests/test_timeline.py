"""The contract of timelines, on the fake and on Cassandra, and what the fake can't show."""

from datetime import timedelta
from uuid import uuid4

import pytest

from database import Database
from driver import Connection
from repositories import timeline_repository
from repositories.timeline_repository import TimelineRepository
from settings import Settings
from shared.models.base import now
from tests.fake_timeline import FakeTimeline
from tests.timeline_contract import KEPT_SECONDS, TimelineContract, all_pages, created, read


class TestFakeTimeline(TimelineContract):
    @pytest.fixture
    def timeline(self) -> FakeTimeline:
        return FakeTimeline(KEPT_SECONDS)


class TestTimelineRepository(TimelineContract):
    @pytest.fixture
    def timeline(self, database: Database, settings: Settings) -> TimelineRepository:
        return TimelineRepository(
            database,
            kept_seconds=settings.timeline_kept_seconds,
            page_timeout=settings.page_timeout,
        )

    async def test_a_page_of_unread_ones_reads_a_bounded_number_of_rows(
        self, timeline: TimelineRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timeline_repository, "SCAN_ROWS", 2)
        monkeypatch.setattr(timeline_repository, "SCANS_MAX", 2)
        user_id, noon = uuid4(), now()
        events = [created(user_id, at=noon - timedelta(minutes=n)) for n in range(9)]
        await timeline.apply(events)
        await timeline.apply([read(user_id, [event.event_id for event in events[:5]])])

        pages = await all_pages(timeline, user_id, limit=3, unread=True)

        assert [len(page) for page in pages] == [0, 3, 1]
        assert [it.id for page in pages for it in page] == [it.event_id for it in events[5:]]
        counted = await timeline.unread(user_id)
        assert (counted.items, counted.complete) == ([], False)

    async def test_many_marks_are_read_as_far_as_they_are_needed(
        self, timeline: TimelineRepository
    ) -> None:
        user_id, noon = uuid4(), now()
        old = created(user_id, at=noon - timedelta(minutes=9))
        new = created(user_id, at=noon - timedelta(minutes=1))
        newest = created(user_id, at=noon + timedelta(minutes=1))
        await timeline.apply([old, new, newest])
        between = [noon - timedelta(minutes=8, seconds=-n) for n in range(20)]
        await timeline.apply([read(user_id, None, at=at) for at in [*between, noon]])

        [page] = await all_pages(timeline, user_id)

        assert [item.read_at for item in page] == [None, noon, between[0]]

    async def test_rows_end_by_themselves(
        self, timeline: TimelineRepository, connection: Connection, settings: Settings
    ) -> None:
        user_id = uuid4()
        event = created(user_id, at=now() - timedelta(days=80))
        await timeline.apply([event, read(user_id, [event.event_id]), read(user_id, None)])

        await connection.run(f"USE {settings.cassandra_keyspace}")
        [item] = await connection.run(
            "SELECT TTL(title) AS left FROM timeline WHERE user_id = %s", user_id
        )
        [mark] = await connection.run(
            "SELECT TTL(read_us) AS left FROM timeline_read WHERE user_id = %s", user_id
        )
        assert 9 * 86_400 < item["left"] <= 10 * 86_400
        assert 89 * 86_400 < mark["left"] <= 90 * 86_400
