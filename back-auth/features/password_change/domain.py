"""A user who knows the password replaces it, which ends all other sessions."""

from typing import Protocol
from uuid import UUID, uuid4

import structlog

from features.password_change.password_proof import PasswordProof
from services.request_origin import RequestOrigin
from shared.kit.errors import Conflict, ServiceError
from shared.kit.http.context import correlation_id
from shared.models.auth import OtherSessionsRevoked, RevokeGenerations
from shared.models.event import Command
from shared.models.user import (
    ChangePassword,
    PasswordChanged,
    ReplacePassword,
    User,
    UserCredential,
)

log = structlog.get_logger()


class Hashes(Protocol):
    """Hashes passwords. Raises Unavailable when too many are being hashed."""

    async def hash(self, password: str) -> str: ...


class Passwords(Protocol):
    """Stores the hashes of passwords."""

    async def replace(self, user_id: UUID, command: Command[ReplacePassword]) -> User:
        """Store another hash and raise the user's `session_generation`.

        Raises Conflict `stale_version` or `credential_replaced`.
        """
        ...


class Generations(Protocol):
    """Revokes sessions by their generation."""

    async def revoke(self, revoked: RevokeGenerations) -> None:
        """Revoke the user's sessions of smaller generations, but not the kept one."""
        ...


class PasswordChanges:
    def __init__(
        self,
        proof: PasswordProof,
        hashes: Hashes,
        passwords: Passwords,
        generations: Generations,
    ) -> None:
        self._proof = proof
        self._hashes = hashes
        self._passwords = passwords
        self._generations = generations

    async def change(
        self, user_id: UUID, sid: UUID, asked: ChangePassword, origin: RequestOrigin
    ) -> None:
        """Replace the password and end all sessions of the user but `sid`.

        The access token of `sid` is refused from then on: the session has to be refreshed.

        Raises:
            Forbidden: `wrong_password`.
            Conflict: `account_changed`, role, status or password changed meanwhile.
            TooManyRequests: the failed logins of the account or network are used up.
            Unavailable: too many passwords are being checked.
        """
        account = await self._proof.account(user_id, asked.current, origin)
        await self._replace(account, sid, await self._hashes.hash(asked.new), origin)

    async def _replace(
        self, account: UserCredential, sid: UUID, password_hash: str, origin: RequestOrigin
    ) -> None:
        user = account.user
        # The same transaction raises the generation by one, as the user's version did not change.
        revoked = OtherSessionsRevoked(
            user_id=user.id, session_generation=user.session_generation + 1, kept_sid=sid
        )
        changed = PasswordChanged(user_id=user.id, network=origin.network, device=origin.device)
        command = Command.with_event(
            "user.password.changed",
            changed,
            data=ReplacePassword(
                credential_id=uuid4(), password_hash=password_hash, replaces=account.credential_id
            ),
            aggregate_id=user.id,
            expected_version=user.version,
            correlation_id=correlation_id(),
        ).and_event(
            "auth.sessions.revoked",
            revoked,
            aggregate_id=user.id,
            correlation_id=correlation_id(),
        )
        try:
            await self._passwords.replace(user.id, command)
        except Conflict as conflict:
            raise Conflict(
                "The account has changed meanwhile. Try again.", code="account_changed"
            ) from conflict
        try:
            await self._generations.revoke(RevokeGenerations(**revoked.model_dump()))
        except ServiceError as error:
            log.warning("revocation_left_to_the_event", user_id=str(user.id), reason=error.code)
