"""Authentication: tokens, sessions, mail tokens, tickets, rate limits and their events."""

from typing import Annotated, Literal, Self
from uuid import UUID, uuid4

from pydantic import Field, model_validator

from shared.models.base import (
    Device,
    EventPayload,
    Instant,
    Internal,
    Line,
    Network,
    PublicRequest,
    Response,
)
from shared.models.event import NewEvent
from shared.models.user import EmailAddress, PasswordAttempt

MailPurpose = Literal["verify_email", "reset_password"]

SHA256 = r"^[0-9a-f]{64}$"
SESSION_SECONDS_MAX = 7_776_000
SECURITY_EVENTS_PAGE_MAX = 200
STREAM_ID = r"^\d{1,15}-\d{1,15}$"


class Login(PublicRequest):
    """Address and password. A password of any length up to the limit may be tried."""

    email: EmailAddress
    password: PasswordAttempt = Field(repr=False)


class TokenPair(Response):
    """A short-lived access token (JWT) and the single-use refresh token that follows it."""

    access_token: str = Field(repr=False)
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(description="seconds until the access token ends")
    refresh_token: str = Field(repr=False)


class LoginTokens(TokenPair):
    """The tokens of a login, and the device token to send as `X-Device-Token` with the next ones.

    A device token lets the account be logged in to while strangers use up its failed logins.
    """

    device_token: str = Field(repr=False)


class Refresh(PublicRequest):
    """The refresh token to trade for a new pair."""

    refresh_token: Line = Field(min_length=1, max_length=256, repr=False)


class SocketTicket(Response):
    """A ticket that opens one WebSocket once."""

    ticket: str = Field(repr=False)
    expires_in: int = Field(description="seconds until the ticket ends")


class JsonWebKey(Response):
    """An RSA public key (RFC 7517)."""

    kty: Literal["RSA"] = "RSA"
    use: Literal["sig"] = "sig"
    alg: Literal["RS256"] = "RS256"
    kid: str
    n: str
    e: str


class JsonWebKeySet(Response):
    """The keys that verify access tokens (RFC 7517)."""

    keys: list[JsonWebKey]


class MintMailToken(Internal):
    """Request the token of a mail that is being made, for the registration or user `user_id`.

    `event_id` is the event that the mail is about: a repeat for it gets the same token.
    """

    user_id: UUID
    purpose: MailPurpose
    event_id: UUID = Field(default_factory=uuid4)


class MailToken(Internal):
    """A token for one mail; only its hash is stored."""

    token: str = Field(repr=False)
    expires_at: Instant


class StoredMailToken(Internal):
    """A mail token as back-postgres keeps it: the SHA-256 of the token in hexadecimal.

    `user_id` is the registration that it was minted for and, once it is used, the user whom it
    confirmed. Of one that resets a password it is the user.
    """

    token_hash: str = Field(pattern=SHA256)
    user_id: UUID
    purpose: MailPurpose
    expires_at: Instant
    used_at: Instant | None = None


class NewSession(Internal):
    """A session to store: one login, one family of refresh tokens.

    `generation` is the `session_generation` of its user, `network` the one it was opened from and
    `device` the User-Agent. `event` is stored with the session.
    """

    sid: UUID
    user_id: UUID
    refresh_hash: str = Field(pattern=SHA256)
    expires_in: int = Field(gt=0, le=SESSION_SECONDS_MAX, description="seconds")
    generation: int = Field(ge=1)
    network: Network
    device: Device
    event: NewEvent


class RotateSession(Internal):
    """Replace the presented refresh token by the next one, all as hashes.

    The first of `next_hashes` replaces it. Each of them is the successor of the presented token
    under one of the server's keys, so that a repeat is recognised while the key is replaced.
    `event` is stored when the presented token was spent before and the session is revoked for it.
    """

    presented_hash: str = Field(pattern=SHA256)
    next_hashes: list[Annotated[str, Field(pattern=SHA256)]] = Field(min_length=1, max_length=5)
    expires_in: int = Field(gt=0, le=SESSION_SECONDS_MAX, description="seconds")
    event: NewEvent


class RevokeSession(Internal):
    """Revoke a session; `event`, when there is one, is stored with the revocation."""

    event: NewEvent | None = None


class Session(Internal):
    """A session; `active` is false when it is unknown, revoked or expired.

    Of an unknown one nothing else is set. `expires_at` is when it ends unless it is refreshed.
    """

    sid: UUID
    user_id: UUID | None
    active: bool
    generation: int | None = None
    network: str | None = None
    device: str | None = None
    created_at: Instant | None = None
    last_used_at: Instant | None = None
    expires_at: Instant | None = None


class Sessions(Internal):
    """The active sessions of a user, newest first."""

    items: list[Session]


class OpenSession(Response):
    """An active session as its user sees it; `current` is the one that asks."""

    id: UUID
    created_at: Instant
    last_used_at: Instant
    device: str
    network: str
    current: bool


class OpenSessions(Response):
    """The active sessions of the user who asks, newest first."""

    items: list[OpenSession]


class RotatedSession(Session):
    """A session whose refresh token was replaced at `rotated_at` by the one of `refresh_hash`.

    A repeat within the seconds that the contract names gets the same two values.
    """

    refresh_hash: str = Field(pattern=SHA256)
    rotated_at: Instant


class RevokeGenerations(Internal):
    """Revoke the sessions of a user whose generation is smaller than `session_generation`.

    The session `kept_sid` stays active and gets that generation. Access tokens that it had before
    are refused: it has to be refreshed.
    """

    user_id: UUID
    session_generation: int = Field(ge=1)
    kept_sid: UUID | None = None


class RecordSecurityEvent(Internal):
    """A security event to keep until it is in the outbox; without `event` it is only counted.

    With `once_seconds` a repeat of the same `event_id` within that time is only counted.
    """

    event: NewEvent | None = None
    once_seconds: int | None = Field(default=None, gt=0, le=86_400)


class SecurityEventRecorded(Internal):
    """Whether the event was stored, or only counted."""

    stored: bool


class StoredSecurityEvent(Internal):
    """A stored security event, under the id of its entry."""

    id: str
    event: NewEvent
    traceparent: str | None = None


class SecurityEvents(Internal):
    """Stored security events, oldest first, and how many were only counted so far."""

    items: list[StoredSecurityEvent]
    counted: int


class AcknowledgeSecurityEvents(Internal):
    """Remove security events that are in the outbox, by the ids of their entries."""

    ids: list[Annotated[str, Field(pattern=STREAM_ID)]] = Field(
        min_length=1, max_length=SECURITY_EVENTS_PAGE_MAX
    )


class NewTicket(Internal):
    """A socket ticket to store until it is redeemed or expires."""

    ticket_hash: str = Field(pattern=SHA256)
    user_id: UUID
    sid: UUID
    generation: int = Field(ge=1)
    expires_in: int = Field(gt=0, le=300, description="seconds")


class RedeemTicket(Internal):
    """Redeem a ticket, which is possible once."""

    ticket_hash: str = Field(pattern=SHA256)


class TicketHolder(Internal):
    """The user and the session of a redeemed ticket.

    `session_expires_at` is when the session ends unless it is refreshed; None for one that is
    unknown or revoked.
    """

    user_id: UUID
    sid: UUID
    generation: int
    session_expires_at: Instant | None = None


class TokenBucket(Internal):
    """A bucket that holds `capacity` tokens and refills evenly over `window_seconds`."""

    limit: Line = Field(max_length=60)
    key: Line = Field(max_length=256)
    capacity: int = Field(ge=1)
    window_seconds: int = Field(ge=1)


class TakeTokens(Internal):
    """Take one token of each bucket, or none of any when one of them is empty."""

    buckets: list[TokenBucket] = Field(min_length=1, max_length=5)


class TokensTaken(Internal):
    """Whether the tokens were taken, how many the emptiest bucket has left, and the wait.

    `retry_after` is the wait until each bucket has a token again.
    """

    allowed: bool
    remaining: int
    retry_after: float = Field(ge=0, description="seconds")


class ReturnedTokens(Internal):
    """How many tokens a bucket gets back; None fills it."""

    limit: Line = Field(max_length=60)
    key: Line = Field(max_length=256)
    tokens: int | None = Field(default=None, ge=1)


class ReturnTokens(Internal):
    """Give tokens back to buckets, for example after a successful login."""

    buckets: list[ReturnedTokens] = Field(min_length=1, max_length=5)


class Revocation(Internal):
    """An entry of the stream `revocations`: a session, or all of a user's below a generation.

    One that names neither is refused: a newer kind of revocation must not be taken for none.
    """

    sid: UUID | None = None
    user_id: UUID | None = None
    generation: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.sid is None and (self.user_id is None or self.generation is None):
            raise ValueError("must name a session, or a user and a generation")
        return self


class LoginSucceeded(EventPayload):
    """`auth.login.succeeded`."""

    user_id: UUID
    sid: UUID
    network: Network
    device: Device


class LoginFailed(EventPayload):
    """`auth.login.failed`: a wrong password, or an account that may not log in."""

    user_id: UUID
    reason: Literal["wrong_password", "not_active", "too_many_attempts"]
    network: Network
    device: Device


class LoggedOut(EventPayload):
    """`auth.logout`: the session `sid` ended; `by_sid` is the session that ended it."""

    user_id: UUID
    sid: UUID
    by_sid: UUID | None = None


class RefreshReused(EventPayload):
    """`auth.refresh.reused`: a used refresh token was presented; the session was revoked."""

    user_id: UUID
    sid: UUID


class OtherSessionsRevoked(EventPayload):
    """`auth.sessions.revoked`: sessions of a generation below `session_generation` have ended.

    The session `kept_sid` has not: it is of that generation.
    """

    user_id: UUID
    session_generation: int = Field(ge=1)
    kept_sid: UUID | None
