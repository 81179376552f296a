"""The audit log in Cassandra: every event by its day and by its user."""

import asyncio
import time
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
from shared.models.account import UserDeleted
from shared.models.audit import AuditEntry, AuditPage
from shared.models.event import PERSONAL_FIELDS, EventEnvelope

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

_INSERT_FORGOTTEN = "INSERT INTO audit_forgotten (user_id) VALUES (?)"

_SELECT_FORGOTTEN = "SELECT user_id FROM audit_forgotten WHERE user_id IN ?"

_REPLACE_BY_USER = """
UPDATE audit_by_user SET payload = ? WHERE user_id = ? AND occurred_us = ? AND event_id = ?"""

_REPLACE_BY_DAY = """
UPDATE audit_by_day SET payload = ? WHERE day = ? AND occurred_us = ? AND event_id = ?"""

_FORGET_ROWS = 500

LISTED_SECONDS = 60
"""How long a day is not listed again: a statement less for each batch."""

_INT_MAX = 2**31 - 1

STATEMENTS = (
    _INSERT_BY_DAY,
    _INSERT_BY_USER,
    _INSERT_DAY,
    _SELECT_OF_USER,
    _SELECT_OF_DAY,
    _SELECT_DAYS,
    _INSERT_FORGOTTEN,
    _SELECT_FORGOTTEN,
    _REPLACE_BY_USER,
    _REPLACE_BY_DAY,
)


class AuditRepository:
    """Raises, from every method: Unavailable, TimedOut."""

    def __init__(self, database: Database, *, page_days: int, page_timeout: float) -> None:
        self._database = database
        self._page_days = page_days
        self._page_timeout = page_timeout
        self._listed: dict[date, float] = {}

    async def store(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """Store events; it is idempotent, as their primary keys are made from them.

        The rows of a partition go in one unlogged batch. A call that failed may have stored some
        of them, and is repeated by its caller. Answers the ids of those that can't be stored: their
        version is greater than CQL's int.

        With `user.deleted` the entries of what that user did lose their personal fields; those
        that come later are stored without.
        """
        gone = [_deleted_user(it) for it in events if it.event_type == "user.deleted"]
        await self._database.write(*([(_INSERT_FORGOTTEN, (user_id,))] for user_id in gone))
        forgotten = await self._forgotten(events)
        partitions: dict[object, list[Write]] = defaultdict(list)
        refused: list[UUID] = []
        for event in events:
            if event.version > _INT_MAX:
                refused.append(event.event_id)
            else:
                kept = _impersonal(event) if _person(event.payload) in forgotten else event
                self._add(partitions, kept)
        days = [it for it in partitions if isinstance(it, date) and not self._is_listed(it)]
        for day in days:
            partitions[_LOG].append((_INSERT_DAY, (_LOG, day)))
        await self._database.write(*partitions.values())
        self._listed.update(dict.fromkeys(days, time.monotonic()))
        for user_id in gone:
            await self._forget(user_id)
        return refused

    def _is_listed(self, day: date) -> bool:
        """Whether this repository listed the day within the last minute."""
        return time.monotonic() - self._listed.get(day, -LISTED_SECONDS) < LISTED_SECONDS

    async def _forgotten(self, events: Sequence[EventEnvelope]) -> set[UUID | None]:
        """Of the people whose personal fields `events` have, those who deleted their account."""
        people = {_person(it.payload) for it in events if PERSONAL_FIELDS & it.payload.keys()}
        people -= {None}
        if not people:
            return set()
        rows = await self._database.rows(_SELECT_FORGOTTEN, sorted(people, key=str))
        return {row["user_id"] for row in rows}

    async def _forget(self, user_id: UUID) -> None:
        """Remove the personal fields from the entries of what the user did."""
        start, count = END, _FORGET_ROWS
        while count == _FORGET_ROWS:
            rows = await self._database.rows(
                _SELECT_OF_USER, user_id, start.moment, start.item_id, _FORGET_ROWS
            )
            count = len(rows)
            partitions: dict[object, list[Write]] = defaultdict(list)
            for row in rows:
                moment, event_id = row["occurred_us"], row["event_id"]
                start = PagePosition(moment, event_id)
                payload = from_json(row["payload"])
                if _person(payload) != user_id or not PERSONAL_FIELDS & payload.keys():
                    continue
                text = to_json(_without_personal(payload)).decode()
                day = day_of(moment)
                partitions[day].append((_REPLACE_BY_DAY, (text, day, moment, event_id)))
                for of in _ids_of(payload):
                    partitions[of].append((_REPLACE_BY_USER, (text, of, moment, event_id)))
            await self._database.write(*partitions.values())

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
        for of in _ids_of(event.payload):
            partitions[of].append((_INSERT_BY_USER, (of, moment, event.event_id, *facts)))

    async def page(self, *, user_id: UUID | None, limit: int, before: PagePosition) -> AuditPage:
        """At most `limit` entries older than `before`, newest first.

        Without a user a page looks at a bounded number of days: it may hold fewer entries than
        `limit` and still have a `next`.
        """
        try:
            async with asyncio.timeout(self._page_timeout):
                if user_id is None:
                    return await self._page_of_days(limit, before)
                rows = await self._database.rows(
                    _SELECT_OF_USER, user_id, before.moment, before.item_id, limit + 1
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


def _deleted_user(event: EventEnvelope) -> UUID:
    return UserDeleted.model_validate(event.payload).user_id


def _person(payload: Mapping[str, JsonValue]) -> UUID | None:
    """Who did it: the personal fields of an event are theirs."""
    return _id_of(payload.get("actor_id")) or _user_of(payload)


def _impersonal(event: EventEnvelope) -> EventEnvelope:
    return event.model_copy(update={"payload": _without_personal(event.payload)})


def _without_personal(payload: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in payload.items() if name not in PERSONAL_FIELDS}


def _ids_of(payload: Mapping[str, JsonValue]) -> set[UUID]:
    """Those whose log has the entry: the subject and the actor."""
    found = {_user_of(payload), _id_of(payload.get("actor_id"))}
    return {it for it in found if it is not None}


def _user_of(payload: Mapping[str, JsonValue]) -> UUID | None:
    return _id_of(payload.get("user_id"))


def _id_of(value: JsonValue) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
