"""Mail tokens: minted when the mail is made, used with the password of a registration."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NoReturn, Protocol
from uuid import UUID, uuid5

from services.secret_service import derived_secret, secret_hash
from shared.kit.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from shared.kit.http.context import correlation_id
from shared.models.auth import MailPurpose, MailToken, StoredMailToken
from shared.models.base import now
from shared.models.event import Command
from shared.models.registration import (
    ConfirmRegistration,
    EmailVerified,
    MailTokenTried,
    RegistrationCredential,
    UserVerified,
)
from shared.models.user import User

VERIFICATIONS = UUID("5d3a7c1e-86a5-4d0b-9a55-3b7e4f0c2d11")


class MailTokens(Protocol):
    """Stores mail tokens as hashes."""

    async def keep(self, token: StoredMailToken) -> None:
        """Store the token; the same one again may end later.

        Raises NotFound `registration_not_found` or `user_not_found`.
        """
        ...

    async def use_try(
        self, token_hash: str, purpose: MailPurpose, *, tries_max: int
    ) -> MailTokenTried:
        """Count a try. Raises NotFound, or Conflict after `tries_max` tries."""
        ...


class Verifications(Protocol):
    """Uses up a token and makes a user of a registration in one transaction."""

    async def confirm(self, command: Command[ConfirmRegistration]) -> User:
        """The active user. A repeated command returns the same answer.

        Raises NotFound, or Conflict when the token is used or the address taken.
        """
        ...


class Passwords(Protocol):
    """Checks passwords."""

    async def matches(self, password: str, password_hash: str | None) -> bool: ...


class MailTokenService:
    """Mints tokens, each valid for the lifetime of its purpose, and confirms registrations.

    A token proves who reads the mail of an address, and a password which of the address's
    registrations is that person's. So nobody can be made to confirm the password of another.
    A token is derived from the secret `key` and may be tried `tries_max` times.
    """

    def __init__(
        self,
        tokens: MailTokens,
        verifications: Verifications,
        passwords: Passwords,
        *,
        key: str,
        lifetimes: Mapping[MailPurpose, timedelta],
        tries_max: int,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._tokens = tokens
        self._verifications = verifications
        self._passwords = passwords
        self._key = key
        self._lifetimes = lifetimes
        self._tries_max = tries_max
        self._clock = clock

    async def mint(self, user_id: UUID, purpose: MailPurpose, event_id: UUID) -> MailToken:
        """The token of the mail about an event; only its hash is stored.

        A repeat gives the same token, so that a mail that is sent again has the same link. The
        token then ends its lifetime after the repeat.

        Raises:
            NotFound: `registration_not_found`, or `user_not_found` to reset a password.
        """
        token = derived_secret(self._key, purpose, user_id, event_id)
        expires_at = self._clock() + self._lifetimes[purpose]
        await self._tokens.keep(
            StoredMailToken(
                token_hash=secret_hash(token),
                user_id=user_id,
                purpose=purpose,
                expires_at=expires_at,
            )
        )
        return MailToken(token=token, expires_at=expires_at)

    async def verify_email(self, token: str, password: str) -> EmailVerified:
        """Make a user of the registration that has this password; a repeat answers the same.

        Raises:
            InvalidRequest: `verification_token_invalid`, `verification_token_expired` or
                `verification_token_exhausted`.
            Unauthenticated: `invalid_credentials`, no registration of the address has the
                password.
        """
        tried = await self._try(secret_hash(token))
        stored = tried.token
        if stored.used_at is None and stored.expires_at <= self._clock():
            raise InvalidRequest("The link has expired.", code="verification_token_expired")
        if not tried.candidates:
            _refuse()
        user_id = await self._registration_with(password, tried.candidates)
        if user_id is None:
            raise Unauthenticated(
                "This is not the password that you registered with.", code="invalid_credentials"
            )
        try:
            user = await self._verifications.confirm(_verification(stored.token_hash, user_id))
        except (NotFound, Conflict):
            _refuse()
        return EmailVerified(user_id=user.id, status=user.status)

    async def _try(self, token_hash: str) -> MailTokenTried:
        try:
            return await self._tokens.use_try(token_hash, "verify_email", tries_max=self._tries_max)
        except NotFound:
            _refuse()
        except Conflict:
            raise InvalidRequest(
                "The link was tried too often. Register again to get another one.",
                code="verification_token_exhausted",
            ) from None

    async def _registration_with(
        self, password: str, candidates: Sequence[RegistrationCredential]
    ) -> UUID | None:
        for candidate in candidates:
            if await self._passwords.matches(password, candidate.password_hash):
                return candidate.user_id
        return None


def _verification(token_hash: str, user_id: UUID) -> Command[ConfirmRegistration]:
    return Command.with_event(
        "user.verified",
        UserVerified(user_id=user_id),
        data=ConfirmRegistration(token_hash=token_hash, user_id=user_id),
        aggregate_id=user_id,
        command_id=uuid5(VERIFICATIONS, token_hash),
        correlation_id=correlation_id(),
    )


def _refuse() -> NoReturn:
    raise InvalidRequest("The link is not valid.", code="verification_token_invalid")
