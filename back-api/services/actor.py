"""Who acts, and from where, as the audit log keeps it."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.kit.http.context import correlation_id
from shared.models.base import EventPayload
from shared.models.event import Command, Nothing


@dataclass(frozen=True)
class Actor:
    """The user who makes a request, and the network that it comes from."""

    user_id: UUID
    network: str


class Events(Protocol):
    """Stores events that go with no other write."""

    async def record(self, command: Command[Nothing]) -> None:
        """Raises Unavailable or TimedOut while the events can't be stored."""


def action_of(
    actor: Actor, event_type: str, payload: EventPayload, *, command_id: UUID | None = None
) -> Command[Nothing]:
    """The command that stores the event of an action; a user's actions stay in their order.

    `command_id` is random unless it is given.
    """
    return Command.with_event(
        event_type,
        payload,
        data=Nothing(),
        aggregate_id=actor.user_id,
        correlation_id=correlation_id(),
        command_id=command_id,
    )
