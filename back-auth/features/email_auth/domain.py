"""Login with an address and a password, without revealing which addresses have an account."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID, uuid4, uuid5

import structlog

from features.email_auth.attempts import LoginAttempts
from services.request_origin import RequestOrigin
from services.security_events import SecurityEvents, security_event
from shared.kit.errors import (
    Forbidden,
    ServiceError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from shared.models.auth import LoginFailed, LoginTokens, TokenPair
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

    async def open(self, user: User, origin: RequestOrigin) -> TokenPair: ...


class LoginService:
    def __init__(
        self,
        accounts: Accounts,
        attempts: LoginAttempts,
        devices: DeviceTokens,
        passwords: Passwords,
        sessions: SessionOpener,
        security_events: SecurityEvents,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._accounts = accounts
        self._attempts = attempts
        self._devices = devices
        self._passwords = passwords
        self._sessions = sessions
        self._security_events = security_events
        self._clock = clock

    async def log_in(
        self, email: str, password: str, origin: RequestOrigin, *, device_token: str | None = None
    ) -> LoginTokens:
        """The tokens of a new session, opened from `origin`.

        Known and unknown addresses cost the same calls and one password check and get the same
        refusal. A refusal is stored before it is answered, and counted for an unknown address. A
        `device_token` that is not one of this account is ignored.

        Raises:
            TooManyRequests: the failed logins of the account, network or device are used up.
            Unauthenticated: `invalid_credentials`.
            Forbidden: the password is right, but the account may not log in.
            Unavailable: too many passwords are being checked.
        """
        account = await self._accounts.find(email)
        device_id = self._devices.device_id(device_token, account)
        try:
            attempt = await self._attempts.begin(email, origin.network, device_id)
        except TooManyRequests:
            await self._record_locked_out(account, origin)
            raise

        password_hash = account.password_hash if account else None
        try:
            matches = await self._passwords.matches(password, password_hash)
        except Unavailable:
            await attempt.was_not_checked()
            raise
        if account is None or not matches:
            await self._record_failure(account, "wrong_password", origin)
            raise Unauthenticated(
                "The address or the password is wrong.", code="invalid_credentials"
            )
        if account.user.status != "active":
            await self._record_failure(account, "not_active", origin)
            raise Forbidden("The account is suspended.", code="account_suspended")
        await attempt.succeeded()

        tokens = await self._sessions.open(account.user, origin)
        await self._keep_hash_current(account, password)
        return LoginTokens(
            **tokens.model_dump(),
            device_token=device_token
            if device_token and device_id
            else self._devices.issue(account),
        )

    async def _keep_hash_current(self, account: UserCredential, password: str) -> None:
        if not self._passwords.is_outdated(account.password_hash):
            return
        try:
            fresh = await self._passwords.hash(password)
            await self._accounts.rehash(account, fresh)
        except ServiceError as error:
            # The next login tries again; this one succeeded.
            log.warning("rehash_postponed", user_id=str(account.user.id), reason=error.code)

    async def _record_locked_out(
        self, account: UserCredential | None, origin: RequestOrigin
    ) -> None:
        # One event for each window: many attempts on a locked account must not flood the audit log.
        window = self._attempts.window_seconds
        count = int(self._clock().timestamp()) // window
        cause_id = uuid5(account.user.id, f"locked-out/{count}") if account else None
        try:
            await self._record_failure(
                account, "too_many_attempts", origin, cause_id=cause_id, once_seconds=window
            )
        except ServiceError as error:
            # The attempt is refused all the same, by a limit that is kept in this process.
            log.warning("refused_attempt_not_counted", reason=error.code)

    async def _record_failure(
        self,
        account: UserCredential | None,
        reason: FailureReason,
        origin: RequestOrigin,
        *,
        cause_id: UUID | None = None,
        once_seconds: int | None = None,
    ) -> None:
        event = None
        if account is not None:
            payload = LoginFailed(
                user_id=account.user.id,
                reason=reason,
                network=origin.network,
                device=origin.device,
            )
            event = security_event(
                "auth.login.failed",
                payload,
                user_id=account.user.id,
                cause_id=cause_id or uuid4(),
            )
        await self._security_events.record(event, once_seconds=once_seconds)
