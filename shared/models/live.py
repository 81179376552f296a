"""Live events for the open sockets of a user."""

from uuid import UUID

from pydantic import Field

from shared.models.base import EventPayload, Internal
from shared.models.event import EventEnvelope

LIVE_BATCH_MAX = 200

NOTHING_SEEN = UUID(int=0)
"""As `since` of a socket: tell the position from which to resume before the first event."""

_SEQUENCE = (1 << 62) - 1


class PublishLive(Internal):
    """An event for all open sockets of a user."""

    user_id: UUID
    envelope: EventEnvelope


class LivePublished(Internal):
    """The event's id in the stream; `duplicate` when it was stored before."""

    stream_id: str
    duplicate: bool


class PublishLiveBatch(Internal):
    """Events to publish in this order."""

    events: list[PublishLive] = Field(min_length=1, max_length=LIVE_BATCH_MAX)


class LiveBatchPublished(Internal):
    """The events' ids in the stream, in the order of the request."""

    published: list[LivePublished]


class LiveEvent(Internal):
    """An entry of the stream `live`."""

    user_id: UUID
    envelope: EventEnvelope


class LiveEvents(Internal):
    """The events of one user since a given one, oldest first.

    `complete` is false when the given event has left the stream, so that some may be missing.
    `position` is the newest id of the stream `live` at that moment: later entries are not in
    `items`, earlier ones of the user are.
    """

    items: list[EventEnvelope]
    complete: bool
    position: str | None = None


class ReconnectHint(EventPayload):
    """The socket is about to be closed; the client is asked to wait before it opens another."""

    after_seconds: float = Field(ge=0)


def position_id(stream_id: str) -> UUID:
    """The id that stands for a position in the stream `live`, where no event is known.

    A UUID of version 8 (RFC 9562), so that no event has it: milliseconds and sequence.
    """
    milliseconds, sequence = (int(part) for part in stream_id.split("-"))
    return UUID(int=milliseconds << 80 | 8 << 76 | 2 << 62 | sequence & _SEQUENCE)


def position_of(identity: UUID) -> str | None:
    """The stream id that `position_id` was made from, None for the id of an event."""
    if identity.version != 8:
        return None
    return f"{identity.int >> 80}-{identity.int & _SEQUENCE}"
