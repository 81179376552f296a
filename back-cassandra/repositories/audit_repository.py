"""The audit log in Cassandra: every event by its day and by its user."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from database import Database
from driver import Row, Write
from shared.kit.errors import TimedOut
from shared.kit.http.page_position import END, PagePosition, day_of, instant_of, microseconds_of
from shared.models.audit import AuditEntry, AuditPage
from shared.models.event import EventEnvelope

_LOG = "audit"

_INSERT_BY_DAY = """
INSERT INTO audit_by_day
    (day, occurred_us, event_id, user_id, event_type, version, correlation_id, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""

_INSERT_BY_USER = """
INSERT INTO audit_by_user
    (user_id, occurred_us, event_id, event_type, version, correlation_id, payload)
VALUES (?, ?, ?, ?, ?, ?, ?)"""

_INSERT_DAY = "INSERT INTO audit_days (log, day) VALUES (?, ?)"

_SELECT_OF_USER = """
SELECT occurred_us, event_id, event_type, correlation_id, payload FROM audit_by_user
WHERE user_id = ? AND (occurred_us, event_id) < (?, ?) LIMIT ?"""

_SELECT_OF_DAY = """
SELECT occurred_us, event_id, event_type, correlation_id, payload FROM audit_by_day
WHERE day = ? AND (occurred_us, event_id) < (?, ?) LIMIT ?"""

_SELECT_DAYS = "SELECT day FROM audit_days WHERE log = ? AND day <= ? LIMIT ?"

_INT_MAX = 2**31 - 1

STATEMENTS = (
    _INSERT_BY_DAY,
    _INSERT_BY_USER,
    _INSERT_DAY,
    _SELECT_OF_USER,
    _SELECT_OF_DAY,
    _SELECT_DAYS,
)


class AuditRepository:
    """Raises, from every method: Unavailable, TimedOut."""

    def __init__(self, database: Database, *, page_days: int, page_timeout: float) -> None:
        self._database = database
        self._page_days = page_days
        self._page_timeout = page_timeout

    async def store(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """Store events; it is idempotent, as their primary keys are made from them.

        The rows of a partition go in one unlogged batch. A call that failed may have stored some
        of them, and is repeated by its caller. Answers the ids of those that can't be stored: their
        version is greater than CQL's int.
        """
        partitions: dict[object, list[Write]] = defaultdict(list)
        refused: list[UUID] = []
        for event in events:
            if event.version > _INT_MAX:
                refused.append(event.event_id)
            else:
                self._add(partitions, event)
        for day in [partition for partition in partitions if isinstance(partition, date)]:
            partitions[_LOG].append((_INSERT_DAY, (_LOG, day)))
        await self._database.write(*partitions.values())
        return refused

    def _add(self, partitions: dict[object, list[Write]], event: EventEnvelope) -> None:
        moment = microseconds_of(event.occurred_at)
        day = day_of(moment)
        user_id = _user_of(event.payload)
        facts = (
            event.event_type,
            event.version,
            event.correlation_id,
            to_json(event.payload).decode(),
        )
        partitions[day].append((_INSERT_BY_DAY, (day, moment, event.event_id, user_id, *facts)))
        for of in {user_id, _id_of(event.payload.get("actor_id"))} - {None}:
            partitions[of].append((_INSERT_BY_USER, (of, moment, event.event_id, *facts)))

    async def page(
        self, *, user_id: UUID | None, limit: int, before: PagePosition | None
    ) -> AuditPage:
        """At most `limit` entries older than `before`, newest first.

        Without a user a page looks at a bounded number of days: it may hold fewer entries than
        `limit` and still have a `next`.
        """
        start = before or END
        try:
            async with asyncio.timeout(self._page_timeout):
                if user_id is None:
                    return await self._page_of_days(limit, start)
                rows = await self._database.rows(
                    _SELECT_OF_USER, user_id, start.moment, start.item_id, limit + 1
                )
                return _page(rows, limit, rest=None)
        except TimeoutError as error:
            raise TimedOut("Cassandra took too long.") from error

    async def _page_of_days(self, limit: int, start: PagePosition) -> AuditPage:
        found = await self._database.rows(
            _SELECT_DAYS, _LOG, day_of(start.moment), self._page_days + 1
        )
        days: list[date] = [row["day"].date() for row in found]
        rows: list[Row] = []
        for day in days[: self._page_days]:
            rows += await self._database.rows(
                _SELECT_OF_DAY, day, start.moment, start.item_id, limit + 1 - len(rows)
            )
            if len(rows) > limit:
                break
        has_more_days = len(days) > self._page_days
        rest = PagePosition.before_day(days[self._page_days - 1]) if has_more_days else None
        return _page(rows, limit, rest)


def _page(rows: Sequence[Row], limit: int, rest: PagePosition | None) -> AuditPage:
    items = [_entry(row) for row in rows[:limit]]
    if len(rows) > limit:
        last = rows[limit - 1]
        rest = PagePosition(last["occurred_us"], last["event_id"])
    return AuditPage(items=items, next=rest.cursor() if rest else None)


def _entry(row: Row) -> AuditEntry:
    payload = from_json(row["payload"])
    return AuditEntry(
        event_id=row["event_id"],
        event_type=row["event_type"],
        occurred_at=instant_of(row["occurred_us"]),
        user_id=_user_of(payload),
        correlation_id=row["correlation_id"],
        payload=payload,
    )


def _user_of(payload: Mapping[str, JsonValue]) -> UUID | None:
    return _id_of(payload.get("user_id"))


def _id_of(value: JsonValue) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
