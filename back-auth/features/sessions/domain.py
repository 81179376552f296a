"""Sessions: opened by a login, rotated by each refresh, ended by a logout."""

import re
from typing import NoReturn, Protocol
from uuid import UUID, uuid5

import structlog

from services.event_publisher import EventPublisher, event_command
from services.secret_service import new_secret, secret_hash
from shared.kit.errors import Conflict, NotFound, Unauthenticated
from shared.models.auth import LoggedOut, RefreshReused, Session, TokenPair
from shared.models.user import User

log = structlog.get_logger()

_REFRESH_TOKEN = re.compile(
    r"(?P<sid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[A-Za-z0-9_-]{43}"
)


class Sessions(Protocol):
    """Stores sessions, each with the hash of its one valid refresh token."""

    async def open(
        self, sid: UUID, user_id: UUID, refresh_hash: str, *, expires_in: int
    ) -> None: ...

    async def get(self, sid: UUID) -> Session:
        """The session; `active` is false for one that is unknown, revoked or expired."""
        ...

    async def rotate(
        self, sid: UUID, presented_hash: str, next_hash: str, *, expires_in: int
    ) -> Session:
        """Replace the token. Raises NotFound for an ended session, Conflict for a used token."""
        ...

    async def revoke(self, sid: UUID) -> None: ...


class Users(Protocol):
    """Reads users."""

    async def get(self, user_id: UUID) -> User:
        """Raises NotFound `user_not_found`."""
        ...


class AccessTokens(Protocol):
    """Signs access tokens that are valid for `expires_in` seconds."""

    expires_in: int

    def issue(self, user: User, sid: UUID) -> str: ...


class SessionService:
    """Sessions of single-use refresh tokens, each valid for `refresh_seconds`."""

    def __init__(
        self,
        sessions: Sessions,
        users: Users,
        tokens: AccessTokens,
        publisher: EventPublisher,
        *,
        refresh_seconds: int,
    ) -> None:
        self._sessions = sessions
        self._users = users
        self._tokens = tokens
        self._publisher = publisher
        self._refresh_seconds = refresh_seconds

    async def open(self, user: User, sid: UUID) -> TokenPair:
        """Open a session; its first pair of tokens."""
        refresh_token = _refresh_token(sid)
        await self._sessions.open(
            sid, user.id, secret_hash(refresh_token), expires_in=self._refresh_seconds
        )
        return self._pair(user, sid, refresh_token)

    async def refresh(self, presented: str) -> TokenPair:
        """The next pair for a refresh token that was not used before.

        The token is rotated last, so that it stays valid when an earlier step fails. The new
        access token has the user's present role. Every refusal is the same 401.
        """
        sid = _sid_of(presented)
        session = await self._sessions.get(sid)
        if not session.active or session.user_id is None:
            _refuse()
        user = await self._active_user(session.user_id)
        if user is None:
            await self._sessions.revoke(sid)
            _refuse()

        following = _refresh_token(sid)
        try:
            await self._sessions.rotate(
                sid,
                secret_hash(presented),
                secret_hash(following),
                expires_in=self._refresh_seconds,
            )
        except Conflict:
            await self._revoke_reused(user.id, sid)
            _refuse()
        except NotFound:
            _refuse()
        return self._pair(user, sid, following)

    async def log_out(self, user_id: UUID, sid: UUID) -> None:
        """Revoke the session; the event is published in the background."""
        await self._sessions.revoke(sid)
        self._publisher.publish_soon(
            event_command(
                "auth.logout",
                LoggedOut(user_id=user_id, sid=sid),
                user_id=user_id,
                command_id=uuid5(sid, "auth.logout"),
            )
        )

    async def _active_user(self, user_id: UUID) -> User | None:
        try:
            user = await self._users.get(user_id)
        except NotFound:
            return None
        return user if user.status == "active" else None

    async def _revoke_reused(self, user_id: UUID, sid: UUID) -> None:
        await self._sessions.revoke(sid)
        log.warning("refresh_token_reused", user_id=str(user_id), sid=str(sid))
        self._publisher.publish_soon(
            event_command(
                "auth.refresh.reused",
                RefreshReused(user_id=user_id, sid=sid),
                user_id=user_id,
                command_id=uuid5(sid, "auth.refresh.reused"),
            )
        )

    def _pair(self, user: User, sid: UUID, refresh_token: str) -> TokenPair:
        return TokenPair(
            access_token=self._tokens.issue(user, sid),
            expires_in=self._tokens.expires_in,
            refresh_token=refresh_token,
        )


def _refresh_token(sid: UUID) -> str:
    return f"{sid}.{new_secret()}"


def _sid_of(token: str) -> UUID:
    match = _REFRESH_TOKEN.fullmatch(token)
    if match is None:
        _refuse()
    return UUID(match["sid"])


def _refuse() -> NoReturn:
    raise Unauthenticated("The refresh token is not valid.", code="refresh_token_invalid")
