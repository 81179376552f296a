"""The audit log."""

from uuid import UUID

from pydantic import Field, JsonValue

from shared.models.base import Instant, Internal, Response

AUDIT_PAGE_DEFAULT = 50
AUDIT_PAGE_MAX = 200


class AuditEntry(Response):
    """One event about a user."""

    event_id: UUID
    event_type: str
    occurred_at: Instant
    user_id: UUID | None
    correlation_id: str
    payload: dict[str, JsonValue]


class AuditPage(Response):
    """Entries, newest first; `next` is the `before` of the following page, null at the end."""

    items: list[AuditEntry]
    next: str | None


class AuditStored(Internal):
    """The stored event; storing it again changes nothing."""

    event_id: UUID = Field(description="the id of the stored event")
