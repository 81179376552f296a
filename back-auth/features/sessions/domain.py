"""Sessions: opened by a login, rotated by each refresh, ended by a logout."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NoReturn, Protocol
from uuid import UUID, uuid4, uuid5

import structlog

from services.request_origin import RequestOrigin
from services.secret_service import derived_secret, new_secret, secret_hash
from services.security_events import security_event
from shared.kit.errors import Conflict, NotFound, Unauthenticated, Unavailable
from shared.models.auth import (
    LoggedOut,
    LoginSucceeded,
    NewSession,
    OpenSession,
    RefreshReused,
    RotatedSession,
    RotateSession,
    Session,
    TokenPair,
)
from shared.models.base import now
from shared.models.event import NewEvent
from shared.models.user import User

log = structlog.get_logger()

_REFRESH_TOKEN = re.compile(
    r"(?P<sid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[A-Za-z0-9_-]{43}"
)

_ROUNDS_MAX = 5


class Sessions(Protocol):
    """Stores sessions, each with the hash of its one valid refresh token, and their events."""

    async def open(self, new: NewSession) -> Session:
        """The stored session; not active when its generation was revoked meanwhile."""
        ...

    async def get(self, sid: UUID) -> Session:
        """The session; `active` is false for one that is unknown, revoked or expired."""
        ...

    async def of_user(self, user_id: UUID) -> list[Session]:
        """The active sessions of a user, newest first."""
        ...

    async def rotate(self, sid: UUID, rotation: RotateSession) -> RotatedSession:
        """Replace the token. Raises NotFound for an ended session, Conflict for a used token."""
        ...

    async def revoke(self, sid: UUID, event: NewEvent | None = None) -> None:
        """Revoke the session and store `event`; a repeat does neither."""
        ...


class Users(Protocol):
    """Reads users."""

    async def get(self, user_id: UUID) -> User:
        """Raises NotFound `user_not_found`."""
        ...


class AccessTokens(Protocol):
    """Signs access tokens that are valid for `expires_in` seconds."""

    expires_in: int

    def issue(self, user: User, sid: UUID, *, token_id: UUID, issued_at: datetime) -> str:
        """The same token for the same arguments."""
        ...


class SessionService:
    """Sessions of single-use refresh tokens, each valid for `refresh_seconds`.

    A refresh token's successor is an HMAC of it under the first of `refresh_keys`, so that a
    repeated refresh makes the same one. The other keys are those of other processes while the
    key is replaced.
    """

    def __init__(
        self,
        sessions: Sessions,
        users: Users,
        tokens: AccessTokens,
        *,
        refresh_keys: Sequence[str],
        refresh_seconds: int,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._sessions = sessions
        self._users = users
        self._tokens = tokens
        self._refresh_keys = refresh_keys
        self._refresh_seconds = refresh_seconds
        self._clock = clock

    async def open(self, user: User, origin: RequestOrigin) -> TokenPair:
        """Open a session, which stores `auth.login.succeeded` with it; its first pair of tokens.

        Raises:
            Unavailable: role, status or password of the user changed since `user` was read.
        """
        sid = uuid4()
        refresh_token = f"{sid}.{new_secret()}"
        payload = LoginSucceeded(
            user_id=user.id, sid=sid, network=origin.network, device=origin.device
        )
        session = await self._sessions.open(
            NewSession(
                sid=sid,
                user_id=user.id,
                refresh_hash=secret_hash(refresh_token),
                expires_in=self._refresh_seconds,
                generation=user.session_generation,
                network=origin.network,
                device=origin.device,
                event=security_event(
                    "auth.login.succeeded", payload, user_id=user.id, cause_id=sid
                ),
            )
        )
        if not session.active:
            raise Unavailable("The account has changed meanwhile. Log in again.", retry_after=1)
        return self._pair(user, sid, refresh_token, self._clock())

    async def refresh(self, presented: str) -> TokenPair:
        """The next pair for a refresh token that is current.

        One that was replaced some seconds ago gets the same pair again, as long as its successor
        is unused. The token is rotated last, so that it stays valid when an earlier step fails.
        The new access token has the user's present role. Every refusal is the same 401.
        """
        sid = _sid_of(presented)
        session = await self._sessions.get(sid)
        if not session.active or session.user_id is None:
            _refuse()
        user = await self._active_user(session.user_id)
        if user is None or user.session_generation != session.generation:
            await self._sessions.revoke(sid)
            _refuse()

        following = [_successor(sid, presented, key) for key in self._refresh_keys]
        tokens = {secret_hash(token): token for token in following}
        reused = RefreshReused(user_id=user.id, sid=sid)
        rotation = RotateSession(
            presented_hash=secret_hash(presented),
            next_hashes=list(tokens),
            expires_in=self._refresh_seconds,
            event=security_event("auth.refresh.reused", reused, user_id=user.id, cause_id=sid),
        )
        try:
            rotated = await self._sessions.rotate(sid, rotation)
        except Conflict:
            log.warning("refresh_token_reused", user_id=str(user.id), sid=str(sid))
            _refuse()
        except NotFound:
            _refuse()
        return self._pair(user, sid, tokens[rotated.refresh_hash], rotated.rotated_at)

    async def log_out(self, user_id: UUID, sid: UUID) -> None:
        """Revoke the session, which stores `auth.logout` with the revocation."""
        await self._end(user_id, sid, sid)

    async def of_user(self, user_id: UUID, current: UUID) -> list[OpenSession]:
        """The user's active sessions, newest first; `current` is marked."""
        return [_opened(session, current) for session in await self._sessions.of_user(user_id)]

    async def end(self, user_id: UUID, sid: UUID, by_sid: UUID) -> None:
        """End one session of the user; one that has ended already is fine.

        Raises:
            NotFound: `session_not_found`, it is another user's or unknown.
        """
        session = await self._sessions.get(sid)
        if session.user_id != user_id:
            raise NotFound("You have no such session.", code="session_not_found")
        await self._end(user_id, sid, by_sid)

    async def end_others(self, user_id: UUID, current: UUID) -> None:
        """End all sessions of the user but `current`, also those that are opened meanwhile."""
        for _ in range(_ROUNDS_MAX):
            others = [it for it in await self._sessions.of_user(user_id) if it.sid != current]
            if not others:
                return
            for session in others:
                await self._end(user_id, session.sid, current)

    async def _end(self, user_id: UUID, sid: UUID, by_sid: UUID) -> None:
        payload = LoggedOut(user_id=user_id, sid=sid, by_sid=by_sid)
        event = security_event("auth.logout", payload, user_id=user_id, cause_id=sid)
        await self._sessions.revoke(sid, event)

    async def _active_user(self, user_id: UUID) -> User | None:
        try:
            user = await self._users.get(user_id)
        except NotFound:
            return None
        return user if user.status == "active" else None

    def _pair(self, user: User, sid: UUID, refresh_token: str, issued_at: datetime) -> TokenPair:
        token_id = uuid5(sid, secret_hash(refresh_token))
        return TokenPair(
            access_token=self._tokens.issue(user, sid, token_id=token_id, issued_at=issued_at),
            expires_in=self._tokens.expires_in,
            refresh_token=refresh_token,
        )


def _opened(session: Session, current: UUID) -> OpenSession:
    if session.created_at is None or session.last_used_at is None:
        raise Unavailable("The sessions can't be read at present.")
    return OpenSession(
        id=session.sid,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        device=session.device or "",
        network=session.network or "",
        current=session.sid == current,
    )


def _successor(sid: UUID, presented: str, key: str) -> str:
    return f"{sid}.{derived_secret(key, 'successor of a refresh token', presented)}"


def _sid_of(token: str) -> UUID:
    match = _REFRESH_TOKEN.fullmatch(token)
    if match is None:
        _refuse()
    return UUID(match["sid"])


def _refuse() -> NoReturn:
    raise Unauthenticated("The refresh token is not valid.", code="refresh_token_invalid")
