"""Launches of tools in Cassandra: the time series of each user."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from database import Database
from driver import Row, Write
from shared.kit.errors import TimedOut
from shared.kit.http.page_position import (
    END,
    PagePosition,
    instant_of,
    microseconds_of,
    page_of,
)
from shared.models.account import UserDeleted
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.tool import LastLaunches, Launch, LaunchPage, ToolLaunched

SCAN_ROWS = 500
"""Launches that one statement reads while the last ones of different tools are looked for."""

SCANS_MAX = 30
"""Statements of one search, of which each month takes one at least; what is older is left out."""

# The write time is the moment of the launch, so that an erasure covers whatever came before it,
# also what arrives later.
_INSERT = """
INSERT INTO launches (user_id, month, launched_us, launch_id, tool_id)
VALUES (?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?"""

_SELECT = """
SELECT launched_us, launch_id, tool_id FROM launches
WHERE user_id = ? AND month = ? AND (launched_us, launch_id) < (?, ?) LIMIT ?"""

_ERASE = "DELETE FROM launches USING TIMESTAMP ? WHERE user_id = ? AND month = ?"

STATEMENTS = (_INSERT, _SELECT, _ERASE)


class LaunchRepository:
    """Raises, from every method: Unavailable, TimedOut.

    A launch is kept for `kept_seconds`.
    """

    def __init__(self, database: Database, *, kept_seconds: int, page_timeout: float) -> None:
        self._database = database
        self._kept_seconds = kept_seconds
        self._page_timeout = page_timeout

    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """Store what `tool.launched` tells, and erase at `user.deleted`, in any order.

        It is idempotent, as the primary keys are made from the events. Answers the ids of the
        events that can't be applied.
        """
        partitions: dict[object, list[Write]] = defaultdict(list)
        refused: list[UUID] = []
        for event in events:
            try:
                self._add(partitions, event)
            except ValueError:  # pydantic's ValidationError is one
                refused.append(event.event_id)
        await self._database.write(*partitions.values())
        return refused

    def _add(self, partitions: dict[object, list[Write]], event: EventEnvelope) -> None:
        moment = microseconds_of(event.occurred_at)
        match event.event_type:
            case "tool.launched":
                launched = ToolLaunched.model_validate(event.payload)
                user_id, month = launched.user_id, month_of(event.occurred_at)
                if left := self._seconds_left(event.occurred_at):
                    row = (user_id, month, moment, event.event_id, launched.tool_id, left, moment)
                    partitions[user_id, month].append((_INSERT, row))
            case "user.deleted":
                user_id = UserDeleted.model_validate(event.payload).user_id
                for month in self._months():
                    partitions[user_id, month].append((_ERASE, (moment, user_id, month)))
            case other:
                raise ValueError(f"the launches take no {other}")

    def _seconds_left(self, launched_at: datetime) -> int:
        ends = launched_at + timedelta(seconds=self._kept_seconds)
        return min(self._kept_seconds, max(0, round((ends - now()).total_seconds())))

    async def last(self, user_id: UUID, limit: int) -> LastLaunches:
        """The last launch of each tool, the latest first, at most `limit`."""
        try:
            async with asyncio.timeout(self._page_timeout):
                return LastLaunches(items=await self._last(user_id, limit))
        except TimeoutError as error:
            raise TimedOut("Cassandra took too long.") from error

    async def _last(self, user_id: UUID, limit: int) -> list[Launch]:
        found: dict[UUID, Launch] = {}
        months = self._months()
        month, start = next(months), END
        for _ in range(SCANS_MAX):
            rows = await self._database.rows(
                _SELECT, user_id, month, start.moment, start.item_id, SCAN_ROWS
            )
            for row in rows:
                found.setdefault(row["tool_id"], _launch(row))
                if len(found) == limit:
                    return list(found.values())
            if len(rows) == SCAN_ROWS:
                start = _position(rows[-1])
                continue
            following = next(months, None)
            if following is None:
                break
            month = following
        return list(found.values())

    async def page(self, user_id: UUID, limit: int, before: PagePosition) -> LaunchPage:
        """At most `limit` launches before `before`, newest first."""
        try:
            async with asyncio.timeout(self._page_timeout):
                rows = await self._before(user_id, limit + 1, before)
        except TimeoutError as error:
            raise TimedOut("Cassandra took too long.") from error
        shown, following = page_of(rows, limit, _position)
        return LaunchPage(items=[_launch(row) for row in shown], next=following)

    async def _before(self, user_id: UUID, count: int, start: PagePosition) -> list[Row]:
        rows: list[Row] = []
        latest = month_of(start.instant)
        for month in self._months():
            if month <= latest:
                rows += await self._database.rows(
                    _SELECT, user_id, month, start.moment, start.item_id, count - len(rows)
                )
            if len(rows) == count:
                break
        return rows

    def _months(self) -> Iterator[int]:
        """The months that launches are kept of, the latest first.

        It begins a day ahead: the clock of the service that launched may be ahead of ours.
        """
        oldest = month_of(now() - timedelta(seconds=self._kept_seconds))
        month = month_of(now() + timedelta(days=1))
        while month >= oldest:
            yield month
            month = month - 1 if month % 100 > 1 else month - 89


def month_of(moment: datetime) -> int:
    """The month in UTC, as year * 100 + month."""
    return moment.year * 100 + moment.month


def _position(row: Row) -> PagePosition:
    return PagePosition(row["launched_us"], row["launch_id"])


def _launch(row: Row) -> Launch:
    return Launch(tool_id=row["tool_id"], launched_at=instant_of(row["launched_us"]))
