"""Sessions and their revocation.

A session is a Redis hash that expires with its refresh token; a sorted set beside it holds its
spent refresh hashes. A user's cut-off time revokes every session that was made before it. Its key
lives as long as the longest session.
"""

from uuid import UUID

from settings import Settings
from shared.kit.errors import Conflict, NotFound
from shared.models.auth import SESSION_SECONDS_MAX, NewSession, RotateSession, Session
from valkey_client import Script, ValkeyClient

REVOCATIONS = "stream:revocations"
SPENT_HASHES_KEPT = 1000  # a refresh every 15 minutes makes 672 in 7 days

_CUT_OFF = "cut-off:"


class SessionStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._create: Script[tuple[str, int]] = valkey.script("create_session")
        self._read: Script[tuple[str, int] | None] = valkey.script("read_session")
        self._rotate: Script[tuple[str, str]] = valkey.script("rotate_session")
        self._revoke: Script[None] = valkey.script("revoke_session")
        self._cut_off: Script[None] = valkey.script("revoke_user_sessions")
        self._kept_seconds = settings.revocation_kept_seconds

    async def create(self, new: NewSession) -> Session:
        """Create a session, or read it when the same login created it before.

        Raises:
            Conflict: `session_exists`, the sid belongs to another login.
        """
        keys = [_session(new.sid), _CUT_OFF + str(new.user_id)]
        word, active = await self._create(
            keys, [str(new.user_id), new.refresh_hash, new.expires_in]
        )
        if word == "session_exists":
            raise Conflict("There is another session with this id.", code="session_exists")
        return Session(sid=new.sid, user_id=new.user_id, active=active == 1)

    async def read(self, sid: UUID) -> Session:
        found = await self._read([_session(sid)], [_CUT_OFF])
        if found is None:
            return Session(sid=sid, user_id=None, active=False)
        return Session(sid=sid, user_id=UUID(found[0]), active=found[1] == 1)

    async def rotate(self, sid: UUID, rotation: RotateSession) -> Session:
        """Replace the refresh hash of a session.

        Raises:
            NotFound: `session_not_found`, it is unknown or revoked, or the hash is not one of it.
            Conflict: `refresh_reused`, the hash was spent before; the session is now revoked.
        """
        keys = [_session(sid), f"{_session(sid)}:spent", REVOCATIONS]
        arguments: list[str | int] = [
            _CUT_OFF,
            str(sid),
            rotation.presented_hash,
            rotation.next_hash,
            rotation.expires_in,
            self._kept_seconds,
            SPENT_HASHES_KEPT,
        ]
        word, user_id = await self._rotate(keys, arguments)
        if word == "refresh_reused":
            raise Conflict("The refresh token was used before.", code="refresh_reused")
        if word == "session_not_found":
            raise NotFound("There is no such session.", code="session_not_found")
        return Session(sid=sid, user_id=UUID(user_id), active=True)

    async def revoke(self, sid: UUID) -> None:
        """Revoke a session, known or not."""
        await self._revoke([_session(sid), REVOCATIONS], [str(sid), self._kept_seconds])

    async def revoke_all(self, user_id: UUID) -> None:
        """Revoke every session that the user has now, and none that is created later."""
        keys = [_CUT_OFF + str(user_id), REVOCATIONS]
        await self._cut_off(keys, [str(user_id), SESSION_SECONDS_MAX, self._kept_seconds])


def _session(sid: UUID) -> str:
    return f"session:{sid}"
