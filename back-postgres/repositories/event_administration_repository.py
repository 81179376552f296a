"""Deliveries for operators: listed, counted, and sent again after they were dead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.page_position import PagePosition, microseconds_of, page_of
from shared.models.event import Command
from shared.models.event_administration import (
    Backlog,
    ConsumerBacklog,
    DeliveriesReplayed,
    DeliveryPage,
    DeliveryState,
    ListedDelivery,
    ReplayDeliveries,
    ShownDelivery,
)

if TYPE_CHECKING:
    from database import Connection

_COLUMNS = """
SELECT delivery_id, event_id, event_type, consumer, deliveries.aggregate_id, state, attempts,
    last_error, nullif(due_at, 'infinity') AS due_at, created_at, done_at
"""

# The ids are UUIDs of version 7: they sort by the moment of storing, and a span of time is a span
# of ids. The states are written out, because an index of some states needs to see them.
_LIST = (
    _COLUMNS
    + """
FROM deliveries
JOIN events USING (event_id)
WHERE delivery_id < $1
    AND delivery_id >= $2
    AND ($3::text IS NULL OR consumer = $3)
    AND ($4::text IS NULL OR event_type = $4)
    {state}
ORDER BY delivery_id DESC
LIMIT $5
"""
)
_OF_STATE: dict[DeliveryState | None, str] = {
    None: "",
    "pending": "AND state = 'pending'",
    "sent": "AND state = 'sent'",
    "leased": "AND state = 'leased'",
    "done": "AND state = 'done'",
    "dead": "AND state = 'dead'",
}

_SHOW = (
    _COLUMNS.rstrip()
    + """,
    version, occurred_at, correlation_id, payload
FROM deliveries
JOIN events USING (event_id)
WHERE delivery_id = $1
"""
)

_COUNT = """
WITH unfinished AS (
    SELECT consumer,
        count(*) FILTER (WHERE state = 'pending') AS pending,
        count(*) FILTER (WHERE state = 'pending' AND due_at <= now()) AS due,
        count(*) FILTER (WHERE due_at = 'infinity') AS blocked,
        count(*) FILTER (WHERE state <> 'pending') AS leased,
        extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds,
        extract(epoch FROM now() - least(now(), min(due_at)))::float8 AS lag_seconds
    FROM deliveries
    WHERE state IN ('pending', 'sent', 'leased')
    GROUP BY consumer
), dead AS (
    SELECT consumer, count(*) AS dead
    FROM deliveries
    WHERE state = 'dead'
    GROUP BY consumer
)
SELECT consumer, coalesce(pending, 0) AS pending, coalesce(due, 0) AS due,
    coalesce(blocked, 0) AS blocked, coalesce(leased, 0) AS leased, coalesce(dead, 0) AS dead,
    coalesce(oldest_seconds, 0) AS oldest_seconds, coalesce(lag_seconds, 0) AS lag_seconds,
    EXISTS (
        SELECT FROM consumer_pauses
        WHERE consumer_pauses.consumer = named.consumer AND now() < paused_until
    ) AS paused
FROM unnest($1::text[]) AS named (consumer)
LEFT JOIN unfinished USING (consumer)
LEFT JOIN dead USING (consumer)
ORDER BY consumer
"""

_DEAD = """
SELECT delivery_id
FROM deliveries
JOIN events USING (event_id)
WHERE state = 'dead'
    AND ($1::uuid IS NULL OR delivery_id = $1)
    AND delivery_id >= $2
    AND delivery_id < $3
    AND ($4::text IS NULL OR consumer = $4)
    AND ($5::text IS NULL OR event_type = $5)
ORDER BY delivery_id
LIMIT $6
"""

_EXISTS = """
SELECT
FROM deliveries
WHERE delivery_id = $1
"""

# In the order of delivery_statements.LOCK, of which these locks are some. Whoever stores or
# finishes a delivery holds the lock of its aggregate, so that its order can't change meanwhile.
_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended(aggregate_id::text, 0))
FROM (
    SELECT DISTINCT aggregate_id
    FROM deliveries
    WHERE delivery_id = ANY($1::uuid[])
    ORDER BY aggregate_id
) AS aggregates
"""

_REPLAY = """
UPDATE deliveries
SET state = 'pending', attempts = 0, due_at = now(), postponed_since = NULL, lease_token = NULL
WHERE delivery_id = ANY($1::uuid[]) AND state = 'dead'
RETURNING delivery_id
"""

_WAIT_IN_TURN = """
UPDATE deliveries AS behind
SET due_at = 'infinity'
FROM (
    SELECT DISTINCT aggregate_id, consumer
    FROM deliveries
    WHERE delivery_id = ANY($1::uuid[])
) AS replayed
WHERE behind.aggregate_id = replayed.aggregate_id
    AND behind.consumer = replayed.consumer
    AND behind.state = 'pending'
    AND behind.due_at <> 'infinity'
    AND EXISTS (
        SELECT FROM deliveries AS earlier
        WHERE earlier.aggregate_id = behind.aggregate_id
            AND earlier.consumer = behind.consumer
            AND earlier.position < behind.position
            AND earlier.state IN ('pending', 'sent', 'leased')
    )
"""

_WAKE = """
SELECT pg_notify('deliveries', consumer)
FROM (SELECT DISTINCT consumer FROM deliveries WHERE delivery_id = ANY($1::uuid[])) AS woken
WHERE NOT (SELECT pg_try_advisory_xact_lock(hashtextextended('deliveries', 0)))
"""

_FIRST_ID = UUID(int=0)
_LAST_ID = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries to list: all of these together, each where it is given."""

    state: DeliveryState | None = None
    consumer: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class EventAdministrationRepository:
    """Reads `deliveries` with their events, and makes dead ones pending again.

    `consumers` are those that the contracts name.
    """

    def __init__(
        self, database: Database, commands: CommandRepository, consumers: Sequence[str]
    ) -> None:
        self._database = database
        self._commands = commands
        self._consumers = consumers

    async def page(
        self, wanted: DeliveryFilter, *, limit: int, before: PagePosition | None
    ) -> DeliveryPage:
        """At most `limit` deliveries, newest first, of those before a position."""
        end = _first_id_of(wanted.until, _LAST_ID)
        rows = await self._database.rows(
            _LIST.format(state=_OF_STATE[wanted.state]),
            min(before.item_id, end) if before else end,
            _first_id_of(wanted.since, _FIRST_ID),
            wanted.consumer,
            wanted.event_type,
            limit + 1,
        )
        items, following = page_of(
            [ListedDelivery.model_validate(dict(row)) for row in rows],
            limit,
            lambda delivery: PagePosition.after(delivery.created_at, delivery.delivery_id),
        )
        return DeliveryPage(items=items, next=following)

    async def show(self, delivery_id: UUID) -> ShownDelivery:
        """Raises NotFound `delivery_not_found`."""
        row = await self._database.row(_SHOW, delivery_id)
        if row is None:
            raise _not_found()
        return ShownDelivery.model_validate(dict(row))

    async def backlog(self) -> Backlog:
        """The backlog of every consumer; one without deliveries has zeros."""
        rows = await self._database.rows(_COUNT, self._consumers)
        return Backlog(consumers=[ConsumerBacklog.model_validate(dict(row)) for row in rows])

    async def replay(self, command: Command[ReplayDeliveries]) -> StoredAnswer:
        """Make dead deliveries pending, with all their attempts: 202 `DeliveriesReplayed`.

        A delivery is due at once, or after an unfinished one of its aggregate and consumer that
        was stored before it. Those behind it that have not begun wait for it again.

        Raises:
            NotFound: `delivery_not_found`, the one that was named.
            Conflict: `delivery_not_dead`, the one that was named.
        """
        wanted = command.data

        async def write(connection: "Connection") -> DeliveriesReplayed:
            dead = await connection.fetch(
                _DEAD,
                wanted.delivery_id,
                _first_id_of(wanted.since, _FIRST_ID),
                _first_id_of(wanted.until, _LAST_ID),
                wanted.consumer,
                wanted.event_type,
                wanted.limit,
            )
            ids = [row["delivery_id"] for row in dead]
            await connection.execute(_LOCK, ids)
            replayed = await connection.fetch(_REPLAY, ids)
            if wanted.delivery_id and not replayed:
                if await connection.fetchrow(_EXISTS, wanted.delivery_id) is None:
                    raise _not_found()
                raise Conflict("The delivery is not dead.", code="delivery_not_dead")
            await connection.execute(_WAIT_IN_TURN, ids)
            await connection.execute(_WAKE, ids)
            return DeliveriesReplayed(replayed=len(replayed))

        return await self._commands.execute("replay_deliveries", command, 202, write)


def _first_id_of(moment: datetime | None, otherwise: UUID) -> UUID:
    """The smallest id that a delivery of `moment` can have (RFC 9562: 48 bits of milliseconds)."""
    if moment is None:
        return otherwise
    milliseconds = max(0, -(-microseconds_of(moment) // 1000))
    return UUID(int=milliseconds << 80)


def _not_found() -> NotFound:
    return NotFound("There is no such delivery.", code="delivery_not_found")
