"""Password hashes: stored by back-auth, claimed by a registration or a user."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from repositories.user_repository import USER_BY_ID, user_of
from shared.kit.errors import Conflict, NotFound
from shared.models.event import Command
from shared.models.password_reset import ResetPassword
from shared.models.user import (
    Credential,
    CredentialAccepted,
    Rehash,
    ReplacePassword,
    User,
    UserCredential,
)

if TYPE_CHECKING:
    from database import Connection

_INSERT = """
INSERT INTO credentials (credential_id, password_hash)
VALUES ($1, $2)
ON CONFLICT (credential_id) DO UPDATE
SET password_hash = excluded.password_hash
WHERE credentials.password_hash = excluded.password_hash
RETURNING credential_id
"""

_BY_EMAIL = """
SELECT id, email, role, status, session_generation, version, users.created_at,
    credential_id, password_hash, password_version
FROM users
JOIN credentials ON credentials.user_id = users.id
WHERE email = $1
"""

_REHASH = """
UPDATE credentials
SET credential_id = $1, password_hash = $2
WHERE user_id = $3 AND credential_id IN ($1, $4)
RETURNING credential_id
"""

_REPLACE = """
UPDATE credentials
SET credential_id = $3, password_hash = $4, password_version = password_version + 1
WHERE user_id = $1 AND credential_id = $2
RETURNING credential_id
"""

_END_SESSIONS = """
UPDATE users
SET session_generation = session_generation + 1, version = version + 1, updated_at = now()
WHERE id = $1 AND version = coalesce($2, version)
RETURNING id, email, role, status, session_generation, version, created_at
"""

_LOCK_USER = """
SELECT id
FROM users
WHERE id = $1
FOR UPDATE
"""

_USE_TOKEN = """
UPDATE mail_tokens
SET used_at = now()
WHERE token_hash = $1 AND user_id = $2 AND purpose = 'reset_password'
    AND used_at IS NULL AND now() < expires_at
RETURNING token_hash
"""

_TOKEN_USED = """
SELECT token_hash
FROM mail_tokens
WHERE token_hash = $1 AND user_id = $2 AND purpose = 'reset_password' AND used_at IS NOT NULL
"""

_RESET = """
INSERT INTO credentials (credential_id, password_hash, user_id)
VALUES ($2, $3, $1)
ON CONFLICT (user_id) DO UPDATE
SET credential_id = excluded.credential_id, password_hash = excluded.password_hash,
    password_version = credentials.password_version + 1
"""

_VOID_RESETS = """
DELETE FROM mail_tokens
WHERE user_id = $1 AND purpose = 'reset_password' AND used_at IS NULL
"""

_OF_USER = """
SELECT credential_id
FROM credentials
WHERE user_id = $1
"""

_SWEEP = """
DELETE FROM credentials
WHERE credential_id IN (
    SELECT credential_id
    FROM credentials
    WHERE user_id IS NULL AND created_at < now() - make_interval(secs => $1)
        AND NOT EXISTS (
            SELECT
            FROM registrations
            WHERE registrations.credential_id = credentials.credential_id
        )
    ORDER BY created_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING credential_id
"""


class CredentialRepository:
    """Reads and writes `credentials`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def store(self, credential: Credential) -> CredentialAccepted:
        """Store a hash until it is claimed; the same one again changes nothing.

        Raises:
            Conflict: `credential_exists`, with another hash.
        """
        row = await self._database.row(_INSERT, credential.credential_id, credential.password_hash)
        if row is None:
            raise Conflict("A credential with this id exists.", code="credential_exists")
        return CredentialAccepted(credential_id=row["credential_id"])

    async def by_email(self, email: str) -> UserCredential:
        """Raises NotFound `user_not_found`, also for a user without a password."""
        row = await self._database.row(_BY_EMAIL, email)
        if row is None:
            raise NotFound("There is no such user.", code="user_not_found")
        return UserCredential(
            user=User.model_validate(dict(row)),
            credential_id=row["credential_id"],
            password_hash=row["password_hash"],
            password_version=row["password_version"],
        )

    async def rehash(self, user_id: UUID, rehash: Rehash) -> CredentialAccepted:
        """Replace the hash of a password that stays the same, unless another took its place.

        Raises:
            NotFound: `user_not_found`, also for a user without a password.
            Conflict: `credential_exists`, the id is another credential's; `credential_replaced`,
                the user has another credential than the one that was read.
        """
        row = await self._database.row(
            _REHASH, rehash.credential_id, rehash.password_hash, user_id, rehash.replaces
        )
        if row is None and await self._database.row(_OF_USER, user_id) is None:
            raise NotFound("There is no such user.", code="user_not_found")
        if row is None:
            raise Conflict("The user has another credential.", code="credential_replaced")
        return CredentialAccepted(credential_id=row["credential_id"])

    async def replace(self, user_id: UUID, command: Command[ReplacePassword]) -> StoredAnswer:
        """Give the user another password and raise `session_generation`: 200 `User`.

        Tokens that would reset the password become void.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `stale_version`; `credential_replaced`, the user has another credential than
                the one that was read.
        """
        new = command.data

        async def write(connection: "Connection") -> User:
            user = await _end_sessions(connection, user_id, command.expected_version)
            values = (user_id, new.replaces, new.credential_id, new.password_hash)
            if not await connection.fetchrow(_REPLACE, *values):
                raise Conflict("The user has another credential.", code="credential_replaced")
            await connection.execute(_VOID_RESETS, user_id)
            return user

        return await self._commands.execute(
            f"replace_password {user_id}", command, 200, write, subject_id=user_id
        )

    async def reset(self, command: Command[ResetPassword]) -> StoredAnswer:
        """Use up a token for another password and raise `session_generation`: 200 `User`.

        The user's other tokens that would reset it become void.

        Raises:
            NotFound: `mail_token_not_found`, none such of the user, or its time is over;
                `user_not_found`.
            Conflict: `mail_token_used`, `stale_version`, or `credential_exists`.
        """
        new = command.data

        async def write(connection: "Connection") -> User:
            # Two tokens of one user that are used at once would wait for each other.
            await connection.execute(_LOCK_USER, new.user_id)
            token = (new.token_hash, new.user_id)
            if not await connection.fetchrow(_USE_TOKEN, *token):
                if await connection.fetchrow(_TOKEN_USED, *token):
                    raise Conflict("The token was used before.", code="mail_token_used")
                raise NotFound("There is no such token.", code="mail_token_not_found")
            user = await _end_sessions(connection, new.user_id, command.expected_version)
            await connection.execute(_RESET, new.user_id, new.credential_id, new.password_hash)
            await connection.execute(_VOID_RESETS, new.user_id)
            return user

        return await self._commands.execute(
            "reset_password", command, 200, write, subject_id=new.user_id
        )

    async def sweep(self, older_than_seconds: int) -> int:
        """Remove unclaimed credentials of that age; returns how many were removed."""
        return await self._database.in_batches(_SWEEP, older_than_seconds)


async def _end_sessions(connection: "Connection", user_id: UUID, version: int | None) -> User:
    """Raises NotFound `user_not_found` or Conflict `stale_version`."""
    row = await connection.fetchrow(_END_SESSIONS, user_id, version)
    if row is None and await connection.fetchrow(USER_BY_ID, user_id):
        raise Conflict("The user has changed since it was read.", code="stale_version")
    return user_of(row)
