"""What the domains say to the outbox: events of users, in words of this service."""

from typing import Protocol
from uuid import UUID

from shared.kit.http.context import correlation_id
from shared.models.base import EventPayload
from shared.models.event import Command, NewEvent, Nothing


class Outbox(Protocol):
    """Where events are told."""

    async def record(self, command: Command[Nothing]) -> None:
        """Store the event before going on; raises Unavailable or TimedOut."""
        ...

    def record_soon(self, command: Command[Nothing]) -> None:
        """Store the event without making the caller wait for it, or fail with it."""
        ...


def event_command(
    event_type: str, payload: EventPayload, *, user_id: UUID, command_id: UUID
) -> Command[Nothing]:
    """The command that records one event of a user; its repeat records nothing."""
    event = NewEvent.of(
        event_type,
        payload,
        aggregate_id=user_id,
        command_id=command_id,
        correlation_id=correlation_id(),
    )
    return Command(command_id=command_id, data=Nothing(), events=[event])
