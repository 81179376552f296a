"""Users."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.page_position import PagePosition, page_of
from shared.models.account import DeleteUser, UserRemoved
from shared.models.event import Command
from shared.models.user import (
    AdministeredUser,
    NewUser,
    Role,
    User,
    UserChange,
    UserPage,
    UserStatus,
)

if TYPE_CHECKING:
    import asyncpg

    from database import Connection

USER_BY_ID = """
SELECT id, email, role, status, session_generation, version, created_at
FROM users
WHERE id = $1
"""

_BY_EMAIL = """
SELECT id, email, role, status, session_generation, version, created_at
FROM users
WHERE email = $1
"""

_PAGE = """
SELECT users.id, email, role, status, first_name, last_name, display_name, users.created_at
FROM users
LEFT JOIN profiles ON profiles.user_id = users.id
WHERE (users.created_at, users.id) < ($1, $2)
    AND role = coalesce($3, role)
    AND status = coalesce($4, status)
ORDER BY users.created_at DESC, users.id DESC
LIMIT $5
"""

_FOUND_PAGE = """
WITH found AS (
    SELECT id FROM users WHERE email LIKE $6
    UNION
    SELECT user_id FROM profiles WHERE lower(first_name) LIKE $6
    UNION
    SELECT user_id FROM profiles WHERE lower(last_name) LIKE $6
    UNION
    SELECT user_id FROM profiles WHERE lower(display_name) LIKE $6
)
SELECT users.id, email, role, status, first_name, last_name, display_name, users.created_at
FROM found
JOIN users USING (id)
LEFT JOIN profiles ON profiles.user_id = users.id
WHERE (users.created_at, users.id) < ($1, $2)
    AND role = coalesce($3, role)
    AND status = coalesce($4, status)
ORDER BY users.created_at DESC, users.id DESC
LIMIT $5
"""

_INSERT = """
INSERT INTO users (id, email, role, status)
VALUES ($1, $2, $3, $4)
RETURNING id, email, role, status, session_generation, version, created_at
"""

_CLAIM_CREDENTIAL = """
UPDATE credentials
SET user_id = $2
WHERE credential_id = $1 AND user_id IS NULL
RETURNING credential_id
"""

# Deletes the registrations with their credentials.
_VOID_CREDENTIALS = """
DELETE FROM credentials
USING registrations
WHERE registrations.credential_id = credentials.credential_id AND registrations.email = $1
"""

_VOID_TOKENS = """
DELETE FROM mail_tokens
WHERE email = $1 AND purpose = 'verify_email' AND used_at IS NULL
"""

_CHANGE = """
UPDATE users
SET role = coalesce($3, role),
    status = coalesce($4, status),
    session_generation = session_generation
        + ((coalesce($3, role), coalesce($4, status)) <> (role, status))::int,
    version = version + 1,
    updated_at = now()
WHERE id = $1 AND version = coalesce($2, version)
RETURNING id, email, role, status, session_generation, version, created_at
"""


_LOCK = """
SELECT email
FROM users
WHERE id = $1
FOR UPDATE
"""

_DELETE_TOKENS = """
DELETE FROM mail_tokens
WHERE user_id = $1
"""

# Credential, profile, preferences and tasks go with the user.
_DELETE = """
DELETE FROM users
WHERE id = $1
"""


class UserRepository:
    """Reads and writes `users`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def by_id(self, user_id: UUID) -> User:
        """Raises NotFound `user_not_found`."""
        return user_of(await self._database.row(USER_BY_ID, user_id))

    async def by_email(self, email: str) -> User:
        """Raises NotFound `user_not_found`. `email` is in lower case."""
        return user_of(await self._database.row(_BY_EMAIL, email))

    async def page(
        self,
        *,
        search: str | None,
        role: Role | None,
        status: UserStatus | None,
        limit: int,
        before: PagePosition,
    ) -> UserPage:
        """At most `limit` users older than `before`, newest first.

        `search` is the beginning of an address, of a name or of a display name, in any case.
        """
        values: list[object] = [before.instant, before.item_id, role, status, limit + 1]
        if search is None:
            rows = await self._database.rows(_PAGE, *values)
        else:
            rows = await self._database.rows(_FOUND_PAGE, *values, _beginning_with(search))
        found = [AdministeredUser.model_validate(dict(row)) for row in rows]
        items, following = page_of(
            found, limit, lambda user: PagePosition.after(user.created_at, user.id)
        )
        return UserPage(items=items, next=following)

    async def create(self, command: Command[NewUser]) -> StoredAnswer:
        """Store a user and give it its credential: 201 `User`.

        The registrations of its address, and their mail tokens, become void.

        Raises:
            NotFound: `credential_not_found`, the credential is missing or another user's.
            Conflict: `email_taken`, or `user_exists`.
        """
        new = command.data

        async def write(connection: "Connection") -> User:
            row = await connection.fetchrow(_INSERT, new.user_id, new.email, new.role, new.status)
            if not await connection.fetchval(_CLAIM_CREDENTIAL, new.credential_id, new.user_id):
                raise NotFound("There is no such credential.", code="credential_not_found")
            await void_registrations(connection, new.email)
            return user_of(row)

        return await self._commands.execute(
            "create_user", command, 201, write, subject_id=new.user_id
        )

    async def change(self, user_id: UUID, command: Command[UserChange]) -> StoredAnswer:
        """Change role or status: 200 `User`.

        Another role or status than before raises `session_generation`.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `stale_version`; `last_admin`, no active admin would be left.
        """
        change = command.data

        async def write(connection: "Connection") -> User:
            row = await connection.fetchrow(
                _CHANGE, user_id, command.expected_version, change.role, change.status
            )
            if row is None and await connection.fetchrow(USER_BY_ID, user_id):
                raise Conflict("The user has changed since it was read.", code="stale_version")
            return user_of(row)

        return await self._commands.execute(
            f"change_user {user_id}", command, 200, write, subject_id=user_id
        )

    async def delete(self, command: Command[DeleteUser]) -> StoredAnswer:
        """Remove a user with all rows of theirs: 200 `UserRemoved`.

        The registrations of the address, and all mail tokens, go too.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `last_admin`, no active admin would be left.
        """
        user_id = command.data.user_id

        async def write(connection: "Connection") -> UserRemoved:
            email = await connection.fetchval(_LOCK, user_id)
            if email is None:
                raise NotFound("There is no such user.", code="user_not_found")
            await void_registrations(connection, email)
            await connection.execute(_DELETE_TOKENS, user_id)
            await connection.execute(_DELETE, user_id)
            return UserRemoved(user_id=user_id)

        return await self._commands.execute("delete_user", command, 200, write)


def _beginning_with(text: str) -> str:
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"


async def void_registrations(connection: "Connection", email: str) -> None:
    """Remove the registrations of an address and their mail tokens: a user has it."""
    await connection.execute(_VOID_CREDENTIALS, email)
    await connection.execute(_VOID_TOKENS, email)


def user_of(row: "asyncpg.Record | None") -> User:
    """Raises NotFound `user_not_found` for no row."""
    if row is None:
        raise NotFound("There is no such user.", code="user_not_found")
    return User.model_validate(dict(row))
