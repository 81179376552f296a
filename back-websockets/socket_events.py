"""The events that a socket makes itself; they are kept nowhere."""

from uuid import UUID, uuid4

from pydantic import JsonValue

from live_socket import Message
from shared.kit.http.context import accepted_correlation_id, correlation_id
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import ReconnectHint, position_id

OPENED = "notifications.opened"
RESYNC = "notifications.resync"
RECONNECT = "notifications.reconnect"


def opened(position: str) -> Message:
    """The first event of a socket whose client has seen none: it resumes from its id."""
    return _made(OPENED, position_id(position))


def resync() -> Message:
    """Asks a client to reload its data: events may be missing."""
    return _made(RESYNC, uuid4())


def reconnect(after_seconds: float) -> Message:
    """Announces the close of the socket, and when the client shall open another."""
    hint = ReconnectHint(after_seconds=after_seconds)
    return _made(RECONNECT, uuid4(), hint.model_dump(mode="json"))


def _made(event_type: str, event_id: UUID, payload: dict[str, JsonValue] | None = None) -> Message:
    return Message.of(
        EventEnvelope(
            event_id=event_id,
            event_type=event_type,
            occurred_at=now(),
            correlation_id=accepted_correlation_id(correlation_id()),
            payload=payload or {},
        )
    )
