"""The proof that whoever has a session also knows the password of its user."""

from typing import Protocol
from uuid import UUID, uuid4

from features.email_auth.attempts import LoginAttempts
from services.request_origin import RequestOrigin
from services.security_events import SecurityEvents, security_event
from shared.kit.errors import Forbidden, Unavailable
from shared.models.auth import LoginFailed
from shared.models.user import User, UserCredential


class Checks(Protocol):
    """Checks passwords. Raises Unavailable when too many are being checked."""

    async def matches(self, password: str, password_hash: str | None) -> bool: ...


class Accounts(Protocol):
    """Reads users with the hashes of their passwords."""

    async def of_user(self, user_id: UUID) -> UserCredential | None:
        """The user with the hash; None for a user without one. Raises NotFound."""
        ...


class PasswordProof:
    """Checks the password of a user who is logged in.

    A wrong password counts as a failed login, so that a stolen token does not let its thief guess.
    """

    def __init__(
        self,
        attempts: LoginAttempts,
        checks: Checks,
        accounts: Accounts,
        security_events: SecurityEvents,
    ) -> None:
        self._attempts = attempts
        self._checks = checks
        self._accounts = accounts
        self._security_events = security_events

    async def account(self, user_id: UUID, password: str, origin: RequestOrigin) -> UserCredential:
        """The account, whose password it is.

        Raises:
            Forbidden: `wrong_password`.
            NotFound: `user_not_found`.
            TooManyRequests: the failed logins of the account or network are used up.
            Unavailable: too many passwords are being checked.
        """
        account = await self._accounts.of_user(user_id)
        if account is None:
            raise Forbidden("The account has no password.", code="wrong_password")
        attempt = await self._attempts.begin(account.user.email, origin.network, None)
        try:
            matches = await self._checks.matches(password, account.password_hash)
        except Unavailable:
            await attempt.was_not_checked()
            raise
        if not matches:
            await self._record_failure(account.user, origin)
            raise Forbidden("This is not your password.", code="wrong_password")
        await attempt.succeeded()
        return account

    async def _record_failure(self, user: User, origin: RequestOrigin) -> None:
        payload = LoginFailed(
            user_id=user.id,
            reason="wrong_password",
            network=origin.network,
            device=origin.device,
        )
        event = security_event("auth.login.failed", payload, user_id=user.id, cause_id=uuid4())
        await self._security_events.record(event)
