"""A user who knows the password replaces it, which ends all other sessions."""

from typing import Protocol
from uuid import UUID, uuid4

from features.password_change.password_proof import PasswordProof
from services.password_changed import Generations, password_command, revocation_of, revoke_at_once
from services.request_origin import RequestOrigin
from shared.kit.errors import Conflict
from shared.models.event import Command
from shared.models.user import (
    ChangePassword,
    ReplacePassword,
    User,
    UserCredential,
)


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
        revoked = revocation_of(user, kept_sid=sid)
        data = ReplacePassword(
            credential_id=uuid4(), password_hash=password_hash, replaces=account.credential_id
        )
        command = password_command(data, user, revoked, origin)
        try:
            await self._passwords.replace(user.id, command)
        except Conflict as conflict:
            raise Conflict(
                "The account has changed meanwhile. Try again.", code="account_changed"
            ) from conflict
        await revoke_at_once(self._generations, revoked)
