"""Hashes of the tokens in mails."""

from typing import TYPE_CHECKING

from database import Database
from repositories.registration_repository import no_registration
from repositories.user_repository import USER_BY_ID, user_of
from shared.kit.errors import Conflict, NotFound
from shared.models.auth import StoredMailToken
from shared.models.registration import MailTokenTried, RegistrationCredential, TryMailToken

if TYPE_CHECKING:
    import asyncpg

_CANDIDATES_MAX = 20

_INSERT = """
INSERT INTO mail_tokens (token_hash, user_id, email, purpose, expires_at)
SELECT $1, user_id, email, $3, $4
FROM registrations
WHERE user_id = $2
ON CONFLICT (token_hash) DO UPDATE
SET expires_at = greatest(mail_tokens.expires_at, excluded.expires_at)
WHERE mail_tokens.user_id = excluded.user_id AND mail_tokens.purpose = excluded.purpose
RETURNING token_hash, user_id, purpose, expires_at, used_at
"""

_INSERT_OF_USER = """
INSERT INTO mail_tokens (token_hash, user_id, email, purpose, expires_at)
SELECT $1, id, email, $3, $4
FROM users
WHERE id = $2
ON CONFLICT (token_hash) DO UPDATE
SET expires_at = greatest(mail_tokens.expires_at, excluded.expires_at)
WHERE mail_tokens.user_id = excluded.user_id AND mail_tokens.purpose = excluded.purpose
RETURNING token_hash, user_id, purpose, expires_at, used_at
"""

_REGISTRATION_EXISTS = """
SELECT
FROM registrations
WHERE user_id = $1
"""

_TRY = """
UPDATE mail_tokens
SET tries = tries + 1
WHERE token_hash = $1 AND purpose = $2 AND tries < $3
RETURNING token_hash, user_id, email, purpose, expires_at, used_at
"""

_EXISTS = """
SELECT
FROM mail_tokens
WHERE token_hash = $1 AND purpose = $2
"""

_REGISTRATIONS_OF = """
SELECT registrations.user_id, password_hash
FROM registrations
JOIN credentials USING (credential_id)
WHERE email = $1 AND now() < expires_at
ORDER BY registrations.user_id = $2 DESC, registrations.created_at DESC
LIMIT $3
"""

_CONFIRMED_USER = """
SELECT user_id, password_hash
FROM credentials
WHERE user_id = $1
"""

_SWEEP = """
DELETE FROM mail_tokens
WHERE token_hash IN (
    SELECT token_hash
    FROM mail_tokens
    WHERE expires_at < now() - make_interval(secs => $1)
    ORDER BY expires_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING token_hash
"""


class MailTokenRepository:
    """Reads and writes `mail_tokens`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def store(self, token: StoredMailToken) -> StoredMailToken:
        """Store a token; the same one again may end later, and never earlier.

        Raises:
            NotFound: `registration_not_found`, or `user_not_found` for one that resets a password.
            Conflict: `mail_token_exists`, for another registration, user or purpose.
        """
        of_user = token.purpose == "reset_password"
        row = await self._database.row(
            _INSERT_OF_USER if of_user else _INSERT,
            token.token_hash,
            token.user_id,
            token.purpose,
            token.expires_at,
        )
        if row is not None:
            return _token(row)
        if of_user:
            user_of(await self._database.row(USER_BY_ID, token.user_id))
        elif not await self._database.rows(_REGISTRATION_EXISTS, token.user_id):
            raise no_registration()
        raise Conflict("A token with this hash exists.", code="mail_token_exists")

    async def use_try(self, wanted: TryMailToken) -> MailTokenTried:
        """Count a try of the token, used and expired ones too, and read what it may confirm.

        Raises:
            NotFound: `mail_token_not_found`.
            Conflict: `mail_token_exhausted`, it was tried `tries_max` times.
        """
        row = await self._database.row(_TRY, wanted.token_hash, wanted.purpose, wanted.tries_max)
        if row is None:
            if await self._database.rows(_EXISTS, wanted.token_hash, wanted.purpose):
                raise Conflict("The token was tried too often.", code="mail_token_exhausted")
            raise NotFound("There is no such token.", code="mail_token_not_found")
        token = _token(row)
        if token.purpose == "reset_password":
            found = []
        elif token.used_at is not None:
            found = await self._database.rows(_CONFIRMED_USER, token.user_id)
        else:
            found = await self._database.rows(
                _REGISTRATIONS_OF, row["email"], token.user_id, _CANDIDATES_MAX
            )
        return MailTokenTried(
            token=token,
            candidates=[RegistrationCredential.model_validate(dict(row)) for row in found],
        )

    async def sweep(self, older_than_seconds: int) -> int:
        """Remove tokens that ended that long ago; returns how many were removed."""
        return await self._database.in_batches(_SWEEP, older_than_seconds)


def _token(row: "asyncpg.Record") -> StoredMailToken:
    return StoredMailToken.model_validate(dict(row))
