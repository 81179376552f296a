"""Login with an address and a password, without revealing which addresses have an account."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, NoReturn, Protocol
from uuid import UUID, uuid4, uuid5

import structlog

from features.email_auth.attempts import LoginAttempts
from services.event_publisher import EventPublisher, event_command
from shared.kit.errors import (
    Forbidden,
    ServiceError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.auth import (
    LoginFailed,
    LoginSucceeded,
    LoginTokens,
    TokenPair,
)
from shared.models.base import now
from shared.models.user import User, UserCredential

log = structlog.get_logger()

FailureReason = Literal["wrong_password", "not_active", "too_many_attempts"]


class Accounts(Protocol):
    """Reads users with their password hashes, and replaces hashes."""

    async def find(self, email: str) -> UserCredential | None: ...

    async def rehash(self, account: UserCredential, password_hash: str) -> None:
        """Replace the hash that was read by another one of the same password.

        Raises Conflict `credential_replaced` when the account has another hash meanwhile.
        """
        ...


class DeviceTokens(Protocol):
    """Issues the tokens of devices that logged in, and recognises them."""

    def issue(self, account: UserCredential) -> str: ...

    def device_id(self, token: str | None, account: UserCredential | None) -> str | None:
        """The device whose token of this account it is; None for anything else."""
        ...


class Passwords(Protocol):
    """Hashes and checks passwords."""

    async def hash(self, password: str) -> str: ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password matches the hash; None takes as long and never matches."""
        ...

    def is_outdated(self, password_hash: str) -> bool: ...


class SessionOpener(Protocol):
    """Opens the session of an authenticated user."""

    async def open(self, user: User, sid: UUID) -> TokenPair: ...


class LoginService:
    def __init__(
        self,
        accounts: Accounts,
        attempts: LoginAttempts,
        devices: DeviceTokens,
        passwords: Passwords,
        sessions: SessionOpener,
        publisher: EventPublisher,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._accounts = accounts
        self._attempts = attempts
        self._devices = devices
        self._passwords = passwords
        self._sessions = sessions
        self._publisher = publisher
        self._clock = clock

    async def log_in(
        self, email: str, password: str, *, network: str, device_token: str | None = None
    ) -> LoginTokens:
        """The tokens of a new session, asked for from `network`.

        Known and unknown addresses cost the same calls and one password check and get the same
        refusal. A refusal does not wait for its event. A `device_token` that is not one of this
        account is ignored.

        Raises:
            TooManyRequests: the failed logins of the account, network or device are used up.
            Unauthenticated: `invalid_credentials`.
            Forbidden: the password is right, but the account may not log in.
            Unavailable: too many passwords are being checked.
        """
        account = await self._accounts.find(email)
        device_id = self._devices.device_id(device_token, account)
        try:
            attempt = await self._attempts.begin(email, network, device_id)
        except TooManyRequests:
            if account is not None:
                self._publish_locked_out(account.user.id)
            raise

        password_hash = account.password_hash if account else None
        try:
            matches = await self._passwords.matches(password, password_hash)
        except Unavailable:
            await attempt.was_not_checked()
            raise
        if account is None:
            _refuse()
        user = account.user
        if not matches:
            self._publish_failure(user.id, "wrong_password")
            _refuse()
        self._must_be_active(user)
        await attempt.succeeded()

        sid = uuid4()
        tokens = await self._sessions.open(user, sid)
        await self._publisher.publish(
            event_command(
                "auth.login.succeeded",
                LoginSucceeded(user_id=user.id, sid=sid),
                user_id=user.id,
                command_id=uuid5(sid, "auth.login.succeeded"),
            )
        )
        await self._keep_hash_current(account, password)
        return LoginTokens(
            **tokens.model_dump(),
            device_token=device_token
            if device_token and device_id
            else self._devices.issue(account),
        )

    def _must_be_active(self, user: User) -> None:
        if user.status == "active":
            return
        self._publish_failure(user.id, "not_active")
        raise Forbidden("The account is suspended.", code="account_suspended")

    async def _keep_hash_current(self, account: UserCredential, password: str) -> None:
        if not self._passwords.is_outdated(account.password_hash):
            return
        try:
            fresh = await self._passwords.hash(password)
            await self._accounts.rehash(account, fresh)
        except ServiceError as error:
            # The next login tries again; this one succeeded.
            log.warning("rehash_postponed", user_id=str(account.user.id), reason=error.code)

    def _publish_locked_out(self, user_id: UUID) -> None:
        # One event for each window: many attempts on a locked account must not flood the audit log.
        window = int(self._clock().timestamp()) // self._attempts.window_seconds
        self._publish_failure(
            user_id, "too_many_attempts", command_id=uuid5(user_id, f"locked-out/{window}")
        )

    def _publish_failure(
        self, user_id: UUID, reason: FailureReason, *, command_id: UUID | None = None
    ) -> None:
        self._publisher.publish_soon(
            event_command(
                "auth.login.failed",
                LoginFailed(user_id=user_id, reason=reason),
                user_id=user_id,
                command_id=command_id or uuid4(),
            )
        )


def _refuse() -> NoReturn:
    raise Unauthenticated("The address or the password is wrong.", code="invalid_credentials")
