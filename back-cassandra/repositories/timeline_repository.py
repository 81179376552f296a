"""Timelines in Cassandra: the notifications of each user, and what they have read of them."""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic_core import from_json, to_json

from database import Database
from driver import Row, Write
from shared.kit.errors import TimedOut
from shared.kit.http.page_position import END, PagePosition, instant_of, microseconds_of
from shared.models.account import UserDeleted
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.notification import (
    UNREAD_MAX,
    Notification,
    NotificationCreated,
    NotificationPage,
    NotificationRead,
    UnreadItem,
    UnreadItems,
)

SCAN_ROWS = 500
"""Rows that one statement reads of a timeline while unread notifications are looked for."""

SCANS_MAX = 10
"""Statements of one search; what is older is left to the next page, or not counted."""

_NEVER = -(2**63)

_INSERT = """
INSERT INTO timeline (user_id, created_us, notification_id, kind, title, body, data)
VALUES (?, ?, ?, ?, ?, ?, ?) USING TTL ?"""

# The earliest mark stays, whatever the order of arrival: its write time is the latest.
_MARK = """
INSERT INTO timeline_read (user_id, notification_id, read_us)
VALUES (?, ?, ?) USING TTL ? AND TIMESTAMP ?"""

_MARK_UNTIL = "INSERT INTO timeline_read_until (user_id, until_us) VALUES (?, ?) USING TTL ?"

_SELECT = """
SELECT created_us, notification_id, kind, title, body, data FROM timeline
WHERE user_id = ? AND (created_us, notification_id) < (?, ?) AND (created_us) > (?) LIMIT ?"""

_SELECT_MARKS = """
SELECT notification_id, read_us FROM timeline_read
WHERE user_id = ? AND notification_id IN ?"""

_SELECT_MARKS_UNTIL = """
SELECT until_us FROM timeline_read_until
WHERE user_id = ? AND until_us >= ? LIMIT ?"""

_SELECT_LAST_MARK_UNTIL = """
SELECT until_us FROM timeline_read_until
WHERE user_id = ? ORDER BY until_us DESC LIMIT 1"""

# Written with a moment that is far ahead, a deletion holds for what is written later, too.
_FORGET = tuple(
    f"DELETE FROM {table} USING TIMESTAMP ? WHERE user_id = ?"  # noqa: S608 - names of tables
    for table in ("timeline", "timeline_read", "timeline_read_until")
)

_AHEAD_US = 10 * 365 * 86_400 * 1_000_000

STATEMENTS = (
    *_FORGET,
    _INSERT,
    _MARK,
    _MARK_UNTIL,
    _SELECT,
    _SELECT_MARKS,
    _SELECT_MARKS_UNTIL,
    _SELECT_LAST_MARK_UNTIL,
)


class TimelineRepository:
    """Raises, from every method: Unavailable, TimedOut.

    A notification is kept for `kept_seconds` from its creation, a mark as long from its writing.
    """

    def __init__(self, database: Database, *, kept_seconds: int, page_timeout: float) -> None:
        self._database = database
        self._kept_seconds = kept_seconds
        self._page_timeout = page_timeout

    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """Store what `notification.created` and `notification.read` tell, in any order.

        `user.deleted` removes the timeline of the user for good. It is idempotent, as the primary
        keys are made from the events. Answers the ids of the events that can't be applied.
        """
        partitions: dict[tuple[str, UUID], list[Write]] = defaultdict(list)
        refused: list[UUID] = []
        for event in events:
            try:
                self._add(partitions, event)
            except ValueError:  # pydantic's ValidationError is one
                refused.append(event.event_id)
        await self._database.write(*partitions.values())
        return refused

    def _add(self, partitions: dict[tuple[str, UUID], list[Write]], event: EventEnvelope) -> None:
        match event.event_type:
            case "notification.created":
                created = NotificationCreated.model_validate(event.payload)
                if left := self._seconds_left(created.created_at):
                    row = _row(created)
                    partitions["timeline", created.user_id].append((_INSERT, (*row, left)))
            case "notification.read":
                read = NotificationRead.model_validate(event.payload)
                moment, user_id = microseconds_of(event.occurred_at), read.user_id
                for notification_id in read.ids or ():
                    mark = (user_id, notification_id, moment, self._kept_seconds, -moment)
                    partitions["marks", user_id].append((_MARK, mark))
                if read.ids is None:
                    until = (user_id, moment, self._kept_seconds)
                    partitions["until", user_id].append((_MARK_UNTIL, until))
            case "user.deleted":
                user_id = UserDeleted.model_validate(event.payload).user_id
                ahead = microseconds_of(event.occurred_at) + _AHEAD_US
                for statement in _FORGET:
                    partitions[statement, user_id].append((statement, (ahead, user_id)))
            case other:
                raise ValueError(f"a timeline takes no {other}")

    def _seconds_left(self, created_at: datetime) -> int:
        ends = created_at + timedelta(seconds=self._kept_seconds)
        return min(self._kept_seconds, max(0, round((ends - now()).total_seconds())))

    async def page(
        self,
        *,
        user_id: UUID,
        unread: bool,
        limit: int,
        before: PagePosition,
        since: datetime | None = None,
    ) -> NotificationPage:
        """At most `limit` notifications made from `since` on and before `before`, newest first.

        A page of unread ones comes from a bounded number of rows: it may hold fewer than `limit`
        and still have a `next`.
        """
        after = _NEVER if since is None else microseconds_of(since) - 1
        try:
            async with asyncio.timeout(self._page_timeout):
                if unread:
                    return await self._unread_page(user_id, limit, before, after)
                rows = await self._rows(user_id, before, after, limit + 1)
                shown = rows[:limit]
                read = await self._read_moments(user_id, shown)
                rest = _position(rows[limit - 1]) if len(rows) > limit else None
                return _page([(row, read.get(row["notification_id"])) for row in shown], rest)
        except TimeoutError as error:
            raise TimedOut("Cassandra took too long.") from error

    async def unread(self, user_id: UUID) -> UnreadItems:
        """The newest unread notifications, at most UNREAD_MAX, of a bounded number of rows."""
        try:
            async with asyncio.timeout(self._page_timeout):
                rows, rest = await self._unread_rows(user_id, UNREAD_MAX, END, _NEVER)
        except TimeoutError as error:
            raise TimedOut("Cassandra took too long.") from error
        items = [
            UnreadItem(id=row["notification_id"], created_at=instant_of(row["created_us"]))
            for row in rows
        ]
        return UnreadItems(items=items, complete=rest is None)

    async def _unread_page(
        self, user_id: UUID, limit: int, start: PagePosition, after: int
    ) -> NotificationPage:
        rows, rest = await self._unread_rows(user_id, limit, start, after)
        return _page([(row, None) for row in rows], rest)

    async def _unread_rows(
        self, user_id: UUID, limit: int, start: PagePosition, after: int
    ) -> tuple[list[Row], PagePosition | None]:
        """The rows, and the position after them where there may be more."""
        last = await self._database.rows(_SELECT_LAST_MARK_UNTIL, user_id)
        after = max(after, last[0]["until_us"]) if last else after
        found: list[Row] = []
        for _ in range(SCANS_MAX):
            rows = await self._rows(user_id, start, after, SCAN_ROWS + 1)
            marks = await self._marks(user_id, rows[:SCAN_ROWS])
            for number, row in enumerate(rows[:SCAN_ROWS], start=1):
                if row["notification_id"] not in marks:
                    found.append(row)
                if len(found) == limit:
                    return found, _position(row) if number < len(rows) else None
            if len(rows) <= SCAN_ROWS:
                return found, None
            start = _position(rows[SCAN_ROWS - 1])
        return found, start

    async def _rows(self, user_id: UUID, before: PagePosition, after: int, limit: int) -> list[Row]:
        return await self._database.rows(
            _SELECT, user_id, before.moment, before.item_id, after, limit
        )

    async def _marks(self, user_id: UUID, rows: Sequence[Row]) -> dict[UUID, int]:
        if not rows:
            return {}
        ids = [row["notification_id"] for row in rows]
        marks = await self._database.rows(_SELECT_MARKS, user_id, ids)
        return {mark["notification_id"]: mark["read_us"] for mark in marks}

    async def _read_moments(self, user_id: UUID, rows: Sequence[Row]) -> dict[UUID, int]:
        """When each notification was read first; those that are unread are left out."""
        read = await self._marks(user_id, rows)
        until: list[int] = []
        for row in reversed(rows):
            created, notification_id = row["created_us"], row["notification_id"]
            if not until or until[-1] < created:
                marks = await self._database.rows(_SELECT_MARKS_UNTIL, user_id, created, len(rows))
                until = [mark["until_us"] for mark in marks]
                if not until:
                    break
            first = until[bisect_left(until, created)]
            read[notification_id] = min(first, read.get(notification_id, first))
        return read


def _row(created: NotificationCreated) -> tuple[object, ...]:
    return (
        created.user_id,
        microseconds_of(created.created_at),
        created.id,
        created.kind,
        created.title,
        created.body,
        to_json(created.data).decode(),
    )


def _position(row: Row) -> PagePosition:
    return PagePosition(row["created_us"], row["notification_id"])


def _page(rows: Sequence[tuple[Row, int | None]], rest: PagePosition | None) -> NotificationPage:
    items = [
        Notification(
            id=row["notification_id"],
            kind=row["kind"],
            title=row["title"],
            body=row["body"],
            data=from_json(row["data"]),
            read_at=None if read is None else instant_of(read),
            created_at=instant_of(row["created_us"]),
        )
        for row, read in rows
    ]
    return NotificationPage(items=items, next=rest.cursor() if rest else None)
