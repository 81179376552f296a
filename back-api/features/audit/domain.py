"""What admins read of the audit log."""

from typing import Protocol
from uuid import UUID

from shared.models.audit import AuditPage


class AuditLog(Protocol):
    """Reads audit entries, newest first."""

    async def page(self, user_id: UUID | None, limit: int, before: str | None) -> AuditPage:
        """At most `limit` entries before the cursor, of one user or of all.

        Raises InvalidRequest `cursor_invalid`, Unavailable while the log can't be reached.
        """
