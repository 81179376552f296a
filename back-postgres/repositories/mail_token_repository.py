"""Hashes of the tokens in mails."""

from typing import TYPE_CHECKING

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from repositories.user_repository import USER_BY_ID, user_of
from shared.kit.errors import Conflict, NotFound
from shared.models.auth import LookUpMailToken, StoredMailToken, UseVerificationToken
from shared.models.event import Command
from shared.models.user import User

if TYPE_CHECKING:
    import asyncpg

    from database import Connection

_INSERT = """
INSERT INTO mail_tokens (token_hash, user_id, purpose, expires_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (token_hash) DO UPDATE
SET expires_at = greatest(mail_tokens.expires_at, excluded.expires_at)
WHERE mail_tokens.user_id = excluded.user_id AND mail_tokens.purpose = excluded.purpose
RETURNING token_hash, user_id, purpose, expires_at, used_at
"""

_BY_HASH = """
SELECT token_hash, user_id, purpose, expires_at, used_at
FROM mail_tokens
WHERE token_hash = $1 AND purpose = $2
"""

_USE = """
UPDATE mail_tokens
SET used_at = now()
WHERE token_hash = $1 AND user_id = $2 AND purpose = 'verify_email'
    AND used_at IS NULL AND now() < expires_at
RETURNING token_hash
"""

_IS_USED = """
SELECT used_at IS NOT NULL
FROM mail_tokens
WHERE token_hash = $1 AND user_id = $2 AND purpose = 'verify_email'
"""

_ACTIVATE = """
UPDATE users
SET status = 'active', version = version + 1, updated_at = now()
WHERE id = $1 AND status = 'pending_verification'
"""


class MailTokenRepository:
    """Reads and writes `mail_tokens`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def store(self, token: StoredMailToken) -> StoredMailToken:
        """Store a token; the same one again may end later, and never earlier.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `mail_token_exists`, for another user or purpose.
        """
        row = await self._database.row(
            _INSERT, token.token_hash, token.user_id, token.purpose, token.expires_at
        )
        if row is None:
            raise Conflict("A token with this hash exists.", code="mail_token_exists")
        return _token(row)

    async def by_hash(self, asked: LookUpMailToken) -> StoredMailToken:
        """The token, used and expired ones too. Raises NotFound `mail_token_not_found`."""
        return _token(await self._database.row(_BY_HASH, asked.token_hash, asked.purpose))

    async def use_for_verification(self, command: Command[UseVerificationToken]) -> StoredAnswer:
        """Use the token; a user who waits for confirmation becomes active: 200 `User`.

        Raises:
            NotFound: `mail_token_not_found`, none such, or its time is over.
            Conflict: `mail_token_used`.
        """
        used = command.data

        async def write(connection: "Connection") -> User:
            if not await connection.fetchval(_USE, used.token_hash, used.user_id):
                if await connection.fetchval(_IS_USED, used.token_hash, used.user_id):
                    raise Conflict("The token was used before.", code="mail_token_used")
                raise _no_token()
            await connection.execute(_ACTIVATE, used.user_id)
            return user_of(await connection.fetchrow(USER_BY_ID, used.user_id))

        return await self._commands.execute("verify_email", command, 200, write)


def _token(row: "asyncpg.Record | None") -> StoredMailToken:
    if row is None:
        raise _no_token()
    return StoredMailToken.model_validate(dict(row))


def _no_token() -> NotFound:
    return NotFound("There is no such token.", code="mail_token_not_found")
