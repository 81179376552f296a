"""Live events for the open sockets of a user."""

from uuid import UUID

from pydantic import Field

from shared.models.base import Internal
from shared.models.event import EventEnvelope

LIVE_BATCH_MAX = 200


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
    """

    items: list[EventEnvelope]
    complete: bool
