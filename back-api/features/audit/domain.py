"""What admins read of the audit log, and that they read it."""

from typing import Protocol
from uuid import UUID

from services.actor import Actor, Events, action_of
from shared.models.audit import AuditPage, AuditRead


class AuditLog(Protocol):
    """Reads audit entries, newest first."""

    async def page(self, user_id: UUID | None, limit: int, before: str | None) -> AuditPage:
        """At most `limit` entries before the cursor, of one user or of all.

        Raises InvalidRequest `cursor_invalid`, Unavailable while the log can't be reached.
        """


class AuditReader:
    """Reads the log and stores that it was read."""

    def __init__(self, log: AuditLog, events: Events) -> None:
        self._log = log
        self._events = events

    async def page(
        self, actor: Actor, user_id: UUID | None, limit: int, before: str | None
    ) -> AuditPage:
        """A page of the log, given only when the event `audit.read` is stored.

        Raises:
            InvalidRequest: `cursor_invalid`.
            Unavailable: the log can't be read, or the event can't be stored.
        """
        page = await self._log.page(user_id, limit, before)
        read = AuditRead(actor_id=actor.user_id, subject_id=user_id, network=actor.network)
        await self._events.record(action_of(actor, "audit.read", read))
        return page
