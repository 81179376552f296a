"""Preferences of notifications, and whom a notification goes to."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from shared.kit.errors import Conflict, NotFound
from shared.models.event import Command
from shared.models.notification import Recipient, StoredPreferences, WritePreferences

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
        return await self._commands.execute(operation, command, 200, write)
