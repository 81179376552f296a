"""A forgotten password: a mail to the address of the account, and another password by its token."""

from collections.abc import Callable
from datetime import datetime
from typing import NoReturn, Protocol
from uuid import UUID, uuid4

from features.email_auth.attempts import LoginAttempts
from services.password_changed import Generations, password_command, revocation_of, revoke_at_once
from services.request_origin import RequestOrigin
from services.secret_service import secret_hash
from shared.kit.errors import Conflict, InvalidRequest, NotFound
from shared.kit.http.context import correlation_id
from shared.models.auth import MailPurpose, StoredMailToken
from shared.models.base import now
from shared.models.event import Command, Nothing
from shared.models.password_reset import PasswordResetRequested, ResetPassword
from shared.models.registration import MailTokenTried
from shared.models.user import User, UserCredential


class ResetLimit(Protocol):
    """Limits the resets of a mail address and of a network."""

    async def take(self, email: str, network: str) -> None:
        """Raises TooManyRequests."""


class Accounts(Protocol):
    """Reads users by their address."""

    async def find(self, email: str) -> UserCredential | None: ...


class Events(Protocol):
    """Stores events that go with no other write."""

    async def record(self, command: Command[Nothing]) -> None: ...


class MailTokens(Protocol):
    """Counts the tries of mail tokens."""

    async def use_try(
        self, token_hash: str, purpose: MailPurpose, *, tries_max: int
    ) -> MailTokenTried:
        """Raises NotFound, or Conflict after `tries_max` tries."""
        ...


class Users(Protocol):
    """Reads users."""

    async def get(self, user_id: UUID) -> User:
        """Raises NotFound."""
        ...


class Hashes(Protocol):
    """Hashes passwords. Raises Unavailable when too many are being hashed."""

    async def hash(self, password: str) -> str: ...


class Resets(Protocol):
    """Uses up a token for another password in one transaction."""

    async def reset(self, command: Command[ResetPassword]) -> User:
        """Raises NotFound, or Conflict `stale_version` or `mail_token_used`."""
        ...


class ResetRequests:
    """Has a mail sent to whoever forgot the password of an account.

    A request makes the same calls and gets the same answer whether or not there is an account: its
    event is stored under a fresh id where there is none, and the worker that would write the mail
    finds nobody with it.
    """

    def __init__(self, limit: ResetLimit, accounts: Accounts, events: Events) -> None:
        self._limit = limit
        self._accounts = accounts
        self._events = events

    async def request(self, email: str, origin: RequestOrigin) -> None:
        """Have a mail sent to the address, if an active account has it.

        Raises:
            TooManyRequests: too many resets of this address or from this network.
        """
        await self._limit.take(email, origin.network)
        account = await self._accounts.find(email)
        active = account is not None and account.user.status == "active"
        user_id = account.user.id if account and active else uuid4()
        requested = PasswordResetRequested(
            user_id=user_id, network=origin.network, device=origin.device
        )
        await self._events.record(
            Command.with_event(
                "auth.password_reset.requested",
                requested,
                data=Nothing(),
                aggregate_id=user_id,
                correlation_id=correlation_id(),
            )
        )


class PasswordResets:
    """Lets whoever reads the mail of an account's address set another password.

    A token may be tried `tries_max` times.
    """

    def __init__(
        self,
        tokens: MailTokens,
        users: Users,
        hashes: Hashes,
        resets: Resets,
        generations: Generations,
        attempts: LoginAttempts,
        *,
        tries_max: int,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._tokens = tokens
        self._users = users
        self._hashes = hashes
        self._resets = resets
        self._generations = generations
        self._attempts = attempts
        self._tries_max = tries_max
        self._clock = clock

    async def confirm(self, token: str, password: str, origin: RequestOrigin) -> None:
        """Set the password of the token's user and end all sessions of the user.

        Raises:
            InvalidRequest: `reset_token_invalid`, `reset_token_expired` or
                `reset_token_exhausted`.
            Conflict: `account_changed`, role, status or password changed meanwhile.
            Unavailable: too many passwords are being hashed.
        """
        stored = await self._try(secret_hash(token))
        if stored.used_at is not None:
            _refuse()
        if stored.expires_at <= self._clock():
            raise InvalidRequest("The link has expired.", code="reset_token_expired")
        user = await self._active(stored.user_id)
        password_hash = await self._hashes.hash(password)
        await self._reset(user, stored.token_hash, password_hash, origin)
        await self._attempts.forgive(user.email, origin.network)

    async def _try(self, token_hash: str) -> StoredMailToken:
        try:
            tried = await self._tokens.use_try(
                token_hash, "reset_password", tries_max=self._tries_max
            )
        except NotFound:
            _refuse()
        except Conflict:
            raise InvalidRequest(
                "The link was tried too often. Ask for another one.", code="reset_token_exhausted"
            ) from None
        return tried.token

    async def _active(self, user_id: UUID) -> User:
        try:
            user = await self._users.get(user_id)
        except NotFound:
            _refuse()
        if user.status != "active":
            _refuse()
        return user

    async def _reset(
        self, user: User, token_hash: str, password_hash: str, origin: RequestOrigin
    ) -> None:
        revoked = revocation_of(user, kept_sid=None)
        data = ResetPassword(
            token_hash=token_hash,
            user_id=user.id,
            credential_id=uuid4(),
            password_hash=password_hash,
        )
        command = password_command(data, user, revoked, origin)
        try:
            await self._resets.reset(command)
        except NotFound:
            _refuse()
        except Conflict as conflict:
            if conflict.code == "mail_token_used":
                _refuse()
            raise Conflict(
                "The account has changed meanwhile. Try again.", code="account_changed"
            ) from conflict
        await revoke_at_once(self._generations, revoked)


def _refuse() -> NoReturn:
    raise InvalidRequest("The link is not valid.", code="reset_token_invalid")
