"""Preferences of notifications, and whom a notification goes to."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from shared.kit.errors import Conflict, NotFound
from shared.models.event import Command, Recorded
from shared.models.notification import (
    DueDigest,
    DueDigests,
    FindDueDigests,
    Recipient,
    RecordDigest,
    StoredPreferences,
    WritePreferences,
)

if TYPE_CHECKING:
    from database import Connection

_RECIPIENT = """
SELECT users.id AS user_id, email, status, language, timezone,
    coalesce(kinds, '{}') AS kinds, coalesce(digest, 'off') AS digest
FROM users
LEFT JOIN profiles ON profiles.user_id = users.id
LEFT JOIN notification_preferences AS preferences ON preferences.user_id = users.id
WHERE users.id = $1
"""

_REPLACE = """
INSERT INTO notification_preferences AS preferences (user_id, kinds, digest)
VALUES ($1, $3, $4)
ON CONFLICT (user_id) DO UPDATE
SET kinds = excluded.kinds, digest = excluded.digest, version = preferences.version + 1,
    updated_at = now()
WHERE preferences.version = coalesce($2, preferences.version)
RETURNING user_id, kinds, digest, version
"""

_DUE = """
SELECT preferences.user_id, zone.timezone, zone.local_date, preferences.digest_on AS last_date
FROM notification_preferences AS preferences
JOIN users ON users.id = preferences.user_id AND users.status = 'active'
LEFT JOIN profiles ON profiles.user_id = preferences.user_id
JOIN unnest($1::text[], $2::date[]) AS zone (timezone, local_date)
    ON zone.timezone = coalesce(profiles.timezone, 'UTC')
WHERE preferences.digest = 'daily'
    AND (preferences.digest_on IS NULL OR preferences.digest_on < zone.local_date)
ORDER BY preferences.user_id
LIMIT $3
"""

_RECORD_DIGEST = """
UPDATE notification_preferences
SET digest_on = greatest(digest_on, $2)
WHERE user_id = $1
"""


class PreferenceRepository:
    """Reads and writes `notification_preferences`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def recipient(self, user_id: UUID) -> Recipient:
        """Raises NotFound `user_not_found`."""
        row = await self._database.row(_RECIPIENT, user_id)
        if row is None:
            raise NotFound("There is no such user.", code="user_not_found")
        return Recipient.model_validate(dict(row))

    async def replace(self, command: Command[WritePreferences]) -> StoredAnswer:
        """Store the preferences of a user in place of those before: 200 `StoredPreferences`.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `stale_version`.
        """
        new = command.data
        kinds = new.model_dump(mode="json")["kinds"]

        async def write(connection: "Connection") -> StoredPreferences:
            row = await connection.fetchrow(
                _REPLACE, new.user_id, command.expected_version, kinds, new.digest
            )
            if row is None:
                raise Conflict("The preferences have changed since.", code="stale_version")
            return StoredPreferences.model_validate(dict(row))

        operation = f"replace_preferences {new.user_id}"
        return await self._commands.execute(operation, command, 200, write, subject_id=new.user_id)

    async def due_digests(self, wanted: FindDueDigests) -> DueDigests:
        """Active users who want a digest and had none on the date of their zone."""
        zones = [zone.timezone for zone in wanted.zones]
        dates = [zone.local_date for zone in wanted.zones]
        rows = await self._database.rows(_DUE, zones, dates, wanted.limit)
        return DueDigests(items=[DueDigest.model_validate(dict(row)) for row in rows])

    async def record_digest(self, command: Command[RecordDigest]) -> StoredAnswer:
        """Note the date of a digest and store its event: 201 `Recorded`."""
        new = command.data

        async def write(connection: "Connection") -> Recorded:
            await connection.execute(_RECORD_DIGEST, new.user_id, new.local_date)
            return Recorded(event_ids=[event.envelope.event_id for event in command.events])

        return await self._commands.execute(f"record_digest {new.user_id}", command, 201, write)
