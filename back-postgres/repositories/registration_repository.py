"""Registrations, and the users that they become."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from repositories.user_repository import user_of, void_registrations
from shared.kit.errors import Conflict, NotFound
from shared.models.event import Command
from shared.models.registration import (
    ConfirmRegistration,
    NewRegistration,
    Registration,
    RegistrationStored,
)
from shared.models.user import User

if TYPE_CHECKING:
    from database import Connection

_INSERT = """
INSERT INTO registrations (
    user_id, email, credential_id, terms_version, terms_accepted_at, network, expires_at
)
SELECT $1, $2, credential_id, $4, $5, $6, $7
FROM credentials
WHERE credential_id = $3 AND user_id IS NULL
RETURNING user_id
"""

_BY_ID = """
SELECT user_id, email, expires_at,
    EXISTS (SELECT FROM users WHERE users.email = registrations.email) AS address_taken
FROM registrations
WHERE user_id = $1 AND now() < expires_at
"""

_ADDRESS_OF_TOKEN = """
SELECT email
FROM mail_tokens
WHERE token_hash = $1 AND purpose = 'verify_email' AND (used_at IS NOT NULL OR now() < expires_at)
"""

# Two tokens of one address that are used at once would wait for each other.
_LOCK_ADDRESS = """
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))
"""

_USE_TOKEN = """
UPDATE mail_tokens
SET used_at = now(), user_id = $2
WHERE token_hash = $1 AND used_at IS NULL
RETURNING token_hash
"""

_INSERT_USER = """
INSERT INTO users (id, email, role, status, terms_version, terms_accepted_at)
SELECT user_id, email, 'user', 'active', terms_version, terms_accepted_at
FROM registrations
WHERE user_id = $1 AND email = $2 AND now() < expires_at
RETURNING id, email, role, status, session_generation, version, created_at
"""

_CLAIM_CREDENTIAL = """
WITH confirmed AS (
    DELETE FROM registrations
    WHERE user_id = $1
    RETURNING credential_id
)
UPDATE credentials
SET user_id = $1
FROM confirmed
WHERE credentials.credential_id = confirmed.credential_id
"""

_SWEEP = """
DELETE FROM credentials
WHERE credential_id IN (
    SELECT credential_id
    FROM registrations
    WHERE expires_at < now()
    ORDER BY expires_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
RETURNING credential_id
"""


class RegistrationRepository:
    """Reads and writes `registrations`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def create(self, command: Command[NewRegistration]) -> StoredAnswer:
        """Store a registration with its credential: 201 `RegistrationStored`.

        Raises:
            NotFound: `credential_not_found`, the credential is missing or a user's.
            Conflict: `registration_exists`, or the credential is another registration's.
        """
        new = command.data

        async def write(connection: "Connection") -> RegistrationStored:
            row = await connection.fetchrow(
                _INSERT,
                new.user_id,
                new.email,
                new.credential_id,
                new.terms_version,
                new.terms_accepted_at,
                new.network,
                new.expires_at,
            )
            if row is None:
                raise NotFound("There is no such credential.", code="credential_not_found")
            return RegistrationStored(user_id=row["user_id"])

        return await self._commands.execute("create_registration", command, 201, write)

    async def by_id(self, user_id: UUID) -> Registration:
        """Raises NotFound `registration_not_found`: unknown, confirmed, void or ended."""
        row = await self._database.row(_BY_ID, user_id)
        if row is None:
            raise no_registration()
        return Registration.model_validate(dict(row))

    async def confirm(self, command: Command[ConfirmRegistration]) -> StoredAnswer:
        """Make a user of a registration, with its credential and terms: 200 `User`.

        Uses the token; the address's other registrations and tokens become void.

        Raises:
            NotFound: `mail_token_not_found`, none such, or its time is over;
                `registration_not_found`, none such of the token's address, or its time is over.
            Conflict: `mail_token_used`, or `email_taken`.
        """
        confirm = command.data

        async def write(connection: "Connection") -> User:
            email = await connection.fetchval(_ADDRESS_OF_TOKEN, confirm.token_hash)
            if email is None:
                raise NotFound("There is no such token.", code="mail_token_not_found")
            await connection.execute(_LOCK_ADDRESS, email)
            if not await connection.fetchval(_USE_TOKEN, confirm.token_hash, confirm.user_id):
                raise Conflict("The token was used before.", code="mail_token_used")
            row = await connection.fetchrow(_INSERT_USER, confirm.user_id, email)
            if row is None:
                raise no_registration()
            await connection.execute(_CLAIM_CREDENTIAL, confirm.user_id)
            await void_registrations(connection, email)
            return user_of(row)

        return await self._commands.execute(
            "confirm_registration", command, 200, write, subject_id=confirm.user_id
        )

    async def sweep(self) -> int:
        """Remove registrations that ended; returns how many were removed."""
        return await self._database.in_batches(_SWEEP)


def no_registration() -> NotFound:
    return NotFound("There is no such registration.", code="registration_not_found")
