"""Removes what the outbox holds of a deleted user."""

from database import BATCH_ROWS, BATCHES_MAX, Database
from shared.models.account import ForgetUser, UserForgotten
from shared.models.event import PERSONAL_FIELDS

# A repeat of such a command is `command_reused`: it must not make the user again.
_COMMANDS = """
UPDATE commands
SET operation = 'forgotten', digest = '', status = 410, answer = '{}', subject_id = NULL
WHERE command_id IN (
    SELECT command_id
    FROM commands
    WHERE subject_id = $1
    LIMIT $2
)
RETURNING command_id
"""

# Those that are sent or leased are left to whoever holds them.
_DELIVERIES = """
UPDATE deliveries
SET state = 'done', done_at = now()
WHERE delivery_id IN (
    SELECT delivery_id
    FROM deliveries
    JOIN events USING (event_id)
    WHERE events.aggregate_id = $1 AND events.event_id <> $2 AND consumer = ANY($3::text[])
        AND state IN ('pending', 'dead')
    LIMIT $4
)
RETURNING delivery_id
"""

_EVENTS = """
UPDATE events
SET payload = payload - $2::text[]
WHERE event_id IN (
    SELECT event_id
    FROM events
    WHERE aggregate_id = $1 AND payload ?| $2::text[]
    LIMIT $3
)
RETURNING event_id
"""


class ForgottenUserRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget(self, asked: ForgetUser) -> UserForgotten:
        """Remove answers of commands and personal fields of events, 10,000 of each at most.

        A repeat goes on where it ended, and changes nothing in the end.
        """
        user_id = asked.user_id
        commands = await self._database.in_batches(_COMMANDS, user_id)
        deliveries = await self._database.in_batches(
            _DELIVERIES, user_id, asked.deletion_id, asked.undelivered
        )
        events = await self._database.in_batches(_EVENTS, user_id, sorted(PERSONAL_FIELDS))
        most = max(commands, deliveries, events)
        return UserForgotten(
            commands=commands,
            deliveries=deliveries,
            events=events,
            complete=most < BATCH_ROWS * BATCHES_MAX,
        )
