"""The audit log."""

from uuid import UUID

from pydantic import Field, JsonValue

from shared.models.base import EventPayload, Instant, Internal, Network, Response
from shared.models.event import EventEnvelope

AUDIT_PAGE_DEFAULT = 50
AUDIT_PAGE_MAX = 200
AUDIT_BATCH_MAX = 200


class AuditEntry(Response):
    """One event, about the user `user_id`. A user's log also holds what the user did to others."""

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


class AuditRead(EventPayload):
    """`audit.read`: the actor read the entries of a user, or of all when `subject_id` is None.

    It is an entry of the actor, not of the subject, whose page would grow with each look at it.
    """

    actor_id: UUID
    subject_id: UUID | None
    network: Network


class AuditStored(Internal):
    """The stored event; storing it again changes nothing."""

    event_id: UUID = Field(description="the id of the stored event")


class StoreAudit(Internal):
    """Events to store, of any days and users."""

    events: list[EventEnvelope] = Field(min_length=1, max_length=AUDIT_BATCH_MAX)


class AuditBatchStored(Internal):
    """All events are stored but those of `refused`, which never can be."""

    refused: list[UUID] = Field(description="ids of events")
