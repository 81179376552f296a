"""Profiles, one a user."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from shared.kit.errors import Conflict, NotFound
from shared.models.event import Command
from shared.models.profile import StoredProfile, WriteProfile

if TYPE_CHECKING:
    import asyncpg

    from database import Connection

_BY_USER = """
SELECT id, user_id, first_name, last_name, display_name, company, job_title, language, timezone,
    completion, version, created_at, updated_at
FROM profiles
WHERE user_id = $1
"""

_INSERT = """
INSERT INTO profiles (
    id, user_id, first_name, last_name, display_name, company, job_title, language, timezone,
    completion
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING id, user_id, first_name, last_name, display_name, company, job_title, language,
    timezone, completion, version, created_at, updated_at
"""

_REPLACE = """
UPDATE profiles
SET first_name = $3, last_name = $4, display_name = $5, company = $6, job_title = $7,
    language = $8, timezone = $9, completion = $10, version = version + 1, updated_at = now()
WHERE user_id = $1 AND version = coalesce($2, version)
RETURNING id, user_id, first_name, last_name, display_name, company, job_title, language,
    timezone, completion, version, created_at, updated_at
"""


class ProfileRepository:
    """Reads and writes `profiles`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def of_user(self, user_id: UUID) -> StoredProfile:
        """Raises NotFound `profile_not_found`."""
        return _profile(await self._database.row(_BY_USER, user_id))

    async def create(self, command: Command[WriteProfile]) -> StoredAnswer:
        """Store a first profile: 201 `StoredProfile`.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `profile_exists`.
        """
        new = command.data

        async def write(connection: "Connection") -> StoredProfile:
            return _profile(
                await connection.fetchrow(_INSERT, new.profile_id, new.user_id, *_fields(new))
            )

        return await self._commands.execute(
            "create_profile", command, 201, write, subject_id=new.user_id
        )

    async def replace(self, user_id: UUID, command: Command[WriteProfile]) -> StoredAnswer:
        """Replace the profile; it keeps its id.

        Answers 200 `StoredProfile`.

        Raises:
            NotFound: `profile_not_found`.
            Conflict: `stale_version`.
        """
        new = command.data

        async def write(connection: "Connection") -> StoredProfile:
            row = await connection.fetchrow(
                _REPLACE, user_id, command.expected_version, *_fields(new)
            )
            if row is None and await connection.fetchrow(_BY_USER, user_id):
                raise Conflict("The profile has changed since it was read.", code="stale_version")
            return _profile(row)

        return await self._commands.execute(
            f"replace_profile {user_id}", command, 200, write, subject_id=user_id
        )


def _fields(profile: WriteProfile) -> tuple[object, ...]:
    return (
        profile.first_name,
        profile.last_name,
        profile.display_name,
        profile.company,
        profile.job_title,
        profile.language,
        profile.timezone,
        profile.completion,
    )


def _profile(row: "asyncpg.Record | None") -> StoredProfile:
    if row is None:
        raise NotFound("The user has no profile.", code="profile_not_found")
    return StoredProfile.model_validate(dict(row))
