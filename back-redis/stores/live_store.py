"""Live events: one stream of all for the subscribers, and a short one of each user's own."""

from uuid import UUID

from settings import Settings
from shared.models.event import EventEnvelope
from shared.models.live import LiveEvent, LiveEvents, LivePublished, PublishLive
from valkey_client import Script, ValkeyClient

LIVE = "stream:live"


class LiveStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._publish: Script[tuple[str, int]] = valkey.script("publish_live")
        self._read_since: Script[tuple[int, list[str]]] = valkey.script("read_live_since")
        self._stream_length = settings.live_stream_length
        self._kept_per_user = settings.live_events_kept_per_user
        self._kept_seconds = settings.live_events_kept_seconds

    async def publish(self, new: PublishLive) -> LivePublished:
        """Where the event stands; an event_id is put on the streams once a day."""
        event = LiveEvent(user_id=new.user_id, envelope=new.envelope)
        stream_id, duplicate = await self._publish(
            [_mark(new.envelope.event_id), LIVE, _own(new.user_id)],
            [
                event.model_dump_json(),
                new.envelope.model_dump_json(),
                self._stream_length,
                self._kept_per_user,
                self._kept_seconds,
            ],
        )
        return LivePublished(stream_id=stream_id, duplicate=duplicate == 1)

    async def since(self, user_id: UUID, event_id: UUID) -> LiveEvents:
        """The user's events after the given one, oldest first."""
        complete, envelopes = await self._read_since([_own(user_id), _mark(event_id)], [])
        items = [EventEnvelope.model_validate_json(envelope) for envelope in envelopes]
        return LiveEvents(items=items, complete=complete == 1)


def _mark(event_id: UUID) -> str:
    return f"live-event:{event_id}"


def _own(user_id: UUID) -> str:
    return f"stream:live:{user_id}"
