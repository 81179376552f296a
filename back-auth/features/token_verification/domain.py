"""The state of a session, for verifiers that do not receive the revocation stream."""

from typing import Protocol
from uuid import UUID

from shared.models.auth import Session


class SessionStates(Protocol):
    """Reads sessions."""

    async def get(self, sid: UUID) -> Session:
        """The session; `active` is false for one that is unknown, revoked or expired."""
        ...


async def is_active(sessions: SessionStates, sid: UUID) -> bool:
    """Whether the session is neither unknown, revoked nor expired."""
    return (await sessions.get(sid)).active
