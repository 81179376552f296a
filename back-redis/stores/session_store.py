"""Sessions and their revocation.

A session is a Redis hash that expires with its refresh token; a sorted set beside it holds its
spent refresh hashes. The active sessions of a user are in a sorted set by the time of their
creation. The smallest generation of a user whose sessions are active is kept as long as the
longest session.
"""

from datetime import UTC, datetime
from typing import TypeAlias
from uuid import UUID

from settings import Settings
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.context import trace
from shared.models.auth import (
    NewSession,
    RevokeGenerations,
    RotatedSession,
    RotateSession,
    Session,
)
from shared.models.event import NewEvent
from stores.security_event_store import SECURITY_EVENTS
from valkey_client import Script, ValkeyClient

REVOCATIONS = "stream:revocations"
SPENT_HASHES_KEPT = 1000  # a refresh every 15 minutes makes 672 in 7 days

_FIELDS = (
    "user_id",
    "generation",
    "network",
    "device",
    "created_at",
    "last_used_at",
    "expires_at",
    "refresh_hash",
    "rotated_at",
)
_TIMES = ("created_at", "last_used_at", "expires_at", "rotated_at")

Answer: TypeAlias = tuple[str, int, *tuple[str | None, ...]]
"""A word, whether the session is active, and `_FIELDS`; see `answer` of the scripts."""


class SessionStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        before = "session_functions"
        self._create: Script[Answer] = valkey.script("create_session", before=before)
        self._read: Script[Answer] = valkey.script("read_session", before=before)
        self._read_of_user: Script[list[tuple[str, Answer]]] = valkey.script(
            "read_sessions", before=before
        )
        self._rotate: Script[Answer] = valkey.script("rotate_session", before=before)
        self._revoke: Script[None] = valkey.script("revoke_session", before=before)
        self._revoke_generations: Script[None] = valkey.script("revoke_generations", before=before)
        self._kept_seconds = settings.revocation_kept_seconds
        self._sessions_max = settings.sessions_per_user
        self._seconds_max = settings.session_seconds_max
        self._repeat_seconds = settings.refresh_repeat_seconds

    async def create(self, new: NewSession) -> Session:
        """Create a session, or read it when the same login created it before.

        The session is inactive when its generation was revoked before. The oldest sessions of a
        user with too many are revoked.

        Raises:
            Conflict: `session_exists`, the sid belongs to another login.
        """
        keys = [_session(new.sid), _sessions(new.user_id), REVOCATIONS, SECURITY_EVENTS]
        arguments: list[str | int] = [
            str(new.sid),
            str(new.user_id),
            new.refresh_hash,
            new.expires_in,
            new.generation,
            new.network,
            new.device,
            self._sessions_max,
            self._seconds_max,
            self._kept_seconds,
            *_event(new.event),
        ]
        answer = await self._create(keys, arguments)
        if answer[0] == "session_exists":
            raise Conflict("There is another session with this id.", code="session_exists")
        return Session.model_validate(_fields(new.sid, answer))

    async def read(self, sid: UUID) -> Session:
        return Session.model_validate(_fields(sid, await self._read([_session(sid)], [])))

    async def of_user(self, user_id: UUID) -> list[Session]:
        """The active sessions of a user, newest first."""
        found = await self._read_of_user([_sessions(user_id)], [])
        return [
            Session.model_validate(_fields(UUID(sid), answer)) for sid, answer in reversed(found)
        ]

    async def rotate(self, sid: UUID, rotation: RotateSession) -> RotatedSession:
        """Replace the refresh hash of a session.

        Raises:
            NotFound: `session_not_found`, it is unknown or revoked, or the hash is not one of it.
            Conflict: `refresh_reused`, the hash was spent before; the session is now revoked.
        """
        keys = [_session(sid), f"{_session(sid)}:spent", REVOCATIONS, SECURITY_EVENTS]
        arguments: list[str | int] = [
            str(sid),
            rotation.presented_hash,
            rotation.expires_in,
            self._repeat_seconds,
            self._kept_seconds,
            SPENT_HASHES_KEPT,
            *_event(rotation.event),
            *rotation.next_hashes,
        ]
        answer = await self._rotate(keys, arguments)
        if answer[0] == "refresh_reused":
            raise Conflict("The refresh token was used before.", code="refresh_reused")
        if answer[0] == "session_not_found":
            raise NotFound("There is no such session.", code="session_not_found")
        return RotatedSession.model_validate(_fields(sid, answer))

    async def revoke(self, sid: UUID, event: NewEvent | None = None) -> None:
        """Revoke a session, known or not, and keep its event; a repeat does neither."""
        keys = [_session(sid), REVOCATIONS, SECURITY_EVENTS]
        await self._revoke(keys, [str(sid), self._kept_seconds, *_event(event)])

    async def revoke_generations(self, revoked: RevokeGenerations) -> None:
        """Revoke the user's sessions of smaller generations, also those that are created later.

        `kept_sid` stays active, and is of the new generation.
        """
        user_id = revoked.user_id
        keys = [f"generation:{user_id}", _sessions(user_id), REVOCATIONS]
        arguments: list[str | int] = [
            str(user_id),
            revoked.session_generation,
            self._seconds_max,
            self._kept_seconds,
            str(revoked.kept_sid or ""),
        ]
        await self._revoke_generations(keys, arguments)


def _session(sid: UUID) -> str:
    return f"session:{sid}"


def _sessions(user_id: UUID) -> str:
    return f"sessions:{user_id}"


def _event(event: NewEvent | None) -> tuple[str, str]:
    """The event and the traceparent as the scripts take them."""
    span = trace()
    return event.model_dump_json() if event else "", span.traceparent if span else ""


def _fields(sid: UUID, answer: Answer) -> dict[str, object]:
    fields: dict[str, object] = dict(zip(_FIELDS, answer[2:], strict=True))
    for name in _TIMES:
        if microseconds := fields[name]:
            fields[name] = datetime.fromtimestamp(int(str(microseconds)) / 1_000_000, tz=UTC)
    return fields | {"sid": sid, "active": answer[1] == 1}
