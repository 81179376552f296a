"""The tests that the fake and the real launches both pass."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from routes.launches import Launches
from shared.kit.http.page_position import END, PagePosition
from shared.models.base import now
from shared.models.event import EventEnvelope

MINUTE = timedelta(minutes=1)
KEPT_SECONDS = 31_536_000


def launched(
    user_id: UUID, tool_id: UUID | None = None, *, at: datetime | None = None
) -> EventEnvelope:
    return envelope(
        "tool.launched",
        {"user_id": str(user_id), "tool_id": str(tool_id or uuid4())},
        at or now(),
    )


def envelope(event_type: str, payload: dict[str, object], at: datetime) -> EventEnvelope:
    return EventEnvelope.model_validate(
        {
            "event_id": uuid4(),
            "event_type": event_type,
            "occurred_at": at,
            "correlation_id": "corr-1",
            "payload": payload,
        }
    )


async def last(launches: Launches, user_id: UUID, limit: int = 10) -> list[tuple[UUID, datetime]]:
    found = await launches.last(user_id, limit)
    return [(it.tool_id, it.launched_at) for it in found.items]


async def pages(launches: Launches, user_id: UUID, limit: int) -> list[list[tuple[UUID, datetime]]]:
    """Every page of the launches, up to the one without a cursor."""
    read = []
    before = END
    while True:
        page = await launches.page(user_id, limit, before)
        read.append([(it.tool_id, it.launched_at) for it in page.items])
        if page.next is None:
            return read
        before = PagePosition.from_cursor(page.next)


def tools(events: Sequence[EventEnvelope]) -> list[UUID]:
    return [UUID(str(event.payload["tool_id"])) for event in events]


class LaunchesContract:
    async def test_of_nobody_are_none(self, launches: Launches) -> None:
        assert await last(launches, uuid4()) == []

    async def test_has_each_tool_once_the_latest_first(self, launches: Launches) -> None:
        user_id, noon = uuid4(), now()
        first, second = uuid4(), uuid4()
        await launches.apply(
            [
                launched(user_id, first, at=noon - 3 * MINUTE),
                launched(user_id, second, at=noon - MINUTE),
                launched(user_id, first, at=noon - 2 * MINUTE),
                launched(uuid4(), first, at=noon),
            ]
        )
        assert await last(launches, user_id) == [
            (second, noon - MINUTE),
            (first, noon - 2 * MINUTE),
        ]
        assert await last(launches, user_id, 1) == [(second, noon - MINUTE)]

    async def test_goes_back_over_the_turn_of_months_and_years(self, launches: Launches) -> None:
        user_id, noon = uuid4(), now()
        events = [launched(user_id, at=noon - timedelta(days=28 * n)) for n in range(13)]
        await launches.apply(list(reversed(events)))
        assert [tool_id for tool_id, _ in await last(launches, user_id, 50)] == tools(events)

    @pytest.mark.parametrize("limit, sizes", [(7, [7]), (6, [6, 1]), (3, [3, 3, 1])])
    async def test_pages_have_each_launch_once_the_newest_first(
        self, launches: Launches, limit: int, sizes: list[int]
    ) -> None:
        user_id, tool_id, noon = uuid4(), uuid4(), now()
        days = [0, 0, 1, 40, 40, 100, 364]
        events = [launched(user_id, tool_id, at=noon - timedelta(days=it)) for it in days]
        await launches.apply([*reversed(events), launched(uuid4(), tool_id, at=noon)])

        read = await pages(launches, user_id, limit)

        assert [len(page) for page in read] == sizes
        assert [it for page in read for it in page] == [
            (tool_id, event.occurred_at) for event in events
        ]

    async def test_a_page_of_nobody_is_empty(self, launches: Launches) -> None:
        assert await pages(launches, uuid4(), 10) == [[]]

    async def test_a_repeat_changes_nothing(self, launches: Launches) -> None:
        user_id = uuid4()
        events = [launched(user_id), launched(user_id, at=now() - MINUTE)]
        await launches.apply(events)
        before = await last(launches, user_id)
        await launches.apply(list(reversed(events)))
        assert await last(launches, user_id) == before

    async def test_what_it_does_not_take_costs_no_other(self, launches: Launches) -> None:
        user_id = uuid4()
        stored = launched(user_id)
        strange = envelope("tool.created", {"tool_id": str(uuid4())}, now())
        broken = envelope("tool.launched", {"user_id": str(user_id)}, now())
        assert await launches.apply([strange, stored, broken]) == [
            strange.event_id,
            broken.event_id,
        ]
        assert [tool_id for tool_id, _ in await last(launches, user_id)] == tools([stored])

    @pytest.mark.parametrize("seconds, kept", [(KEPT_SECONDS - 60, 1), (KEPT_SECONDS + 60, 0)])
    async def test_what_is_too_old_is_not_kept(
        self, launches: Launches, seconds: int, kept: int
    ) -> None:
        user_id = uuid4()
        await launches.apply([launched(user_id, at=now() - timedelta(seconds=seconds))])
        assert len(await last(launches, user_id)) == kept

    @pytest.mark.parametrize("turned", [True, False])
    async def test_who_is_deleted_has_none_whatever_comes_first(
        self, launches: Launches, *, turned: bool
    ) -> None:
        user_id, stranger, noon = uuid4(), uuid4(), now()
        events = [launched(user_id, at=noon - timedelta(days=40 * n)) for n in range(1, 4)]
        kept = launched(stranger, at=noon)
        gone = envelope("user.deleted", {"user_id": str(user_id)}, noon)
        for event in [*events, kept, gone][:: -1 if turned else 1]:
            assert await launches.apply([event]) == []
        assert await last(launches, user_id) == []
        assert await pages(launches, user_id, 10) == [[]]
        assert [it for it, _ in await last(launches, stranger)] == tools([kept])
