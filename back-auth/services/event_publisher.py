"""How the domains of this service publish events about users."""

from typing import Protocol
from uuid import UUID

from shared.kit.http.context import correlation_id
from shared.models.base import EventPayload
from shared.models.event import Command, Nothing


class EventPublisher(Protocol):
    """Stores events in the outbox."""

    async def publish(self, command: Command[Nothing]) -> None:
        """Store the event before the caller goes on; raises Unavailable or TimedOut."""
        ...

    def publish_soon(self, command: Command[Nothing]) -> None:
        """Store the event in the background; the caller neither waits nor fails with it."""
        ...


def event_command(
    event_type: str, payload: EventPayload, *, user_id: UUID, command_id: UUID
) -> Command[Nothing]:
    """The command that stores one event about a user; repeating it stores nothing more."""
    return Command.with_event(
        event_type,
        payload,
        data=Nothing(),
        aggregate_id=user_id,
        command_id=command_id,
        correlation_id=correlation_id(),
    )
