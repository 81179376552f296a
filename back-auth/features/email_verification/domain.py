"""Single-use tokens in mails: minted when the mail is made, used by its recipient."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn, Protocol
from uuid import UUID, uuid5

from services.secret_service import derived_secret, secret_hash
from shared.kit.errors import Conflict, InvalidRequest, NotFound
from shared.kit.http.context import correlation_id
from shared.models.auth import (
    EmailVerified,
    MailPurpose,
    MailToken,
    StoredMailToken,
    UseVerificationToken,
)
from shared.models.base import now
from shared.models.event import Command
from shared.models.user import User, UserVerified

VERIFICATIONS = UUID("5d3a7c1e-86a5-4d0b-9a55-3b7e4f0c2d11")


class MailTokens(Protocol):
    """Stores mail tokens as hashes."""

    async def keep(self, token: StoredMailToken) -> None:
        """Store the token; the same one again may end later. Raises NotFound `user_not_found`."""
        ...

    async def find(self, token_hash: str, purpose: MailPurpose) -> StoredMailToken | None: ...


class Verifications(Protocol):
    """Uses up a token and makes its user active in one transaction."""

    async def confirm(self, command: Command[UseVerificationToken]) -> User:
        """The active user. A repeated command returns the same answer.

        Raises NotFound, or Conflict when another command has used the token.
        """
        ...


class MailTokenService:
    """Mints tokens that are valid for `expires_in`, and confirms addresses with them.

    A token is derived from the secret `key`.
    """

    def __init__(
        self,
        tokens: MailTokens,
        verifications: Verifications,
        *,
        key: str,
        expires_in: timedelta,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._tokens = tokens
        self._verifications = verifications
        self._key = key
        self._expires_in = expires_in
        self._clock = clock

    async def mint(self, user_id: UUID, purpose: MailPurpose, event_id: UUID) -> MailToken:
        """The token of the mail about an event; only its hash is stored.

        A repeat gives the same token, so that a mail that is sent again has the same link. The
        token then ends `expires_in` after the repeat.
        """
        token = derived_secret(self._key, purpose, user_id, event_id)
        expires_at = self._clock() + self._expires_in
        await self._tokens.keep(
            StoredMailToken(
                token_hash=secret_hash(token),
                user_id=user_id,
                purpose=purpose,
                expires_at=expires_at,
            )
        )
        return MailToken(token=token, expires_at=expires_at)

    async def verify_email(self, token: str) -> EmailVerified:
        """Make the user of the token active; a repeated call returns the same answer.

        Raises:
            InvalidRequest: `verification_token_invalid` or `verification_token_expired`.
        """
        token_hash = secret_hash(token)
        stored = await self._tokens.find(token_hash, "verify_email")
        if stored is None:
            _refuse()
        if stored.used_at is None and stored.expires_at <= self._clock():
            raise InvalidRequest("The link has expired.", code="verification_token_expired")
        try:
            user = await self._verifications.confirm(_verification(stored))
        except (NotFound, Conflict):
            _refuse()
        return EmailVerified(user_id=user.id, status=user.status)


def _verification(token: StoredMailToken) -> Command[UseVerificationToken]:
    return Command.with_event(
        "user.verified",
        UserVerified(user_id=token.user_id),
        data=UseVerificationToken(token_hash=token.token_hash, user_id=token.user_id),
        aggregate_id=token.user_id,
        command_id=uuid5(VERIFICATIONS, token.token_hash),
        correlation_id=correlation_id(),
    )


def _refuse() -> NoReturn:
    raise InvalidRequest("The link is not valid.", code="verification_token_invalid")
