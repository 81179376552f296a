"""How the domains of this service record events about the security of users."""

from typing import Protocol
from uuid import UUID

from shared.kit.http.context import correlation_id
from shared.models.base import EventPayload
from shared.models.event import NewEvent


class SecurityEvents(Protocol):
    """Stores security events; a repeat of the same `event_id` reaches the outbox once."""

    async def record(self, event: NewEvent | None, *, once_seconds: int | None = None) -> None:
        """Store the event before the caller goes on; None, for an unknown account, is counted.

        With `once_seconds` a repeat of the event within that time is only counted.

        Raises:
            Unavailable: or TimedOut, whether it is stored is not known.
        """
        ...


def security_event(
    event_type: str, payload: EventPayload, *, user_id: UUID, cause_id: UUID
) -> NewEvent:
    """An event about a user; its `event_id` follows from `cause_id` and `event_type`."""
    return NewEvent.of(
        event_type,
        payload,
        aggregate_id=user_id,
        command_id=cause_id,
        correlation_id=correlation_id(),
    )
