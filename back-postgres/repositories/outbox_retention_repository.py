"""Removes what the outbox has finished with: deliveries, their events, and answers of commands."""

from database import BATCH_ROWS, BATCHES_MAX, Database
from shared.models.event import OutboxSwept, SweepOutbox

# A delivery_id begins with the time of its creation (RFC 9562, version 7), so that the primary key
# finds the old ones.
_DELIVERIES = """
WITH limits AS (
    SELECT uuidv7(make_interval(secs => -($1::float8))) AS done_before,
        uuidv7(make_interval(secs => -($2::float8))) AS dead_before
)
DELETE FROM deliveries
WHERE delivery_id IN (
    SELECT delivery_id
    FROM deliveries
    WHERE delivery_id < (SELECT done_before FROM limits)
        AND (state = 'done'
            OR (state = 'dead' AND delivery_id < (SELECT dead_before FROM limits)))
    ORDER BY delivery_id
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
RETURNING event_id
"""

_EVENTS = """
DELETE FROM events
WHERE event_id = ANY($1::uuid[])
    AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.event_id = events.event_id)
RETURNING event_id
"""

_COMMANDS = """
DELETE FROM commands
WHERE command_id IN (
    SELECT command_id
    FROM commands
    WHERE created_at < now() - make_interval(secs => $1)
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING command_id
"""


class OutboxRetentionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def sweep(self, asked: SweepOutbox) -> OutboxSwept:
        """Remove at most 10,000 deliveries and as many commands, the oldest deliveries first.

        An event goes with its last delivery. One that is not delivered stays, however old it is.
        """
        done, dead = float(asked.done_older_than_seconds), float(asked.dead_older_than_seconds)
        deliveries = events = 0
        for _ in range(BATCHES_MAX):
            async with self._database.transaction() as connection:
                rows = await connection.fetch(_DELIVERIES, done, dead, BATCH_ROWS)
                ended = list({row["event_id"] for row in rows})
                events += len(await connection.fetch(_EVENTS, ended))
            deliveries += len(rows)
            if len(rows) < BATCH_ROWS:
                break
        commands = await self._database.in_batches(_COMMANDS, done)
        return OutboxSwept(deliveries=deliveries, events=events, commands=commands)
