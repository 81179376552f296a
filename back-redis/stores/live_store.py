"""Live events: one stream of all users for the subscribers, and a short stream of each user."""

from collections.abc import Sequence
from uuid import UUID

from settings import Settings
from shared.models.event import EventEnvelope
from shared.models.live import (
    LiveEvent,
    LiveEvents,
    LivePublished,
    PublishLive,
    position_of,
)
from valkey_client import Script, ValkeyClient

LIVE = "stream:live"
_ENTRIES_AT_ONCE = 500


class LiveStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._valkey = valkey
        self._publish: Script[list[tuple[str, int]]] = valkey.script("publish_live")
        self._read_since: Script[tuple[int, str, list[str]]] = valkey.script("read_live_since")
        self._stream_length = settings.live_stream_length
        self._kept_per_user = settings.live_events_kept_per_user
        self._kept_seconds = settings.live_events_kept_seconds

    async def publish(self, events: Sequence[PublishLive]) -> list[LivePublished]:
        """Add events to both streams, in their order, by one script.

        A repeated event_id is a duplicate for a day. `user.deleted` removes all events of the user.
        """
        keys = [LIVE]
        arguments: list[str | int] = [self._stream_length, self._kept_per_user, self._kept_seconds]
        for new in events:
            event = LiveEvent(user_id=new.user_id, envelope=new.envelope)
            keys += [_id_key(new.envelope.event_id), _user_stream(new.user_id)]
            arguments += [event.model_dump_json(), new.envelope.model_dump_json()]
        published = await self._publish(keys, arguments)
        for new in events:
            if new.envelope.event_type == "user.deleted":
                await self._forget(new.user_id)
        return [
            LivePublished(stream_id=stream_id, duplicate=duplicate == 1)
            for stream_id, duplicate in published
        ]

    async def _forget(self, user_id: UUID) -> None:
        """Remove the events of a user, but `user.deleted`, from both streams."""
        for stream in (_user_stream(user_id), LIVE):
            position = "-"
            while entries := await self._valkey.entries(stream, position, _ENTRIES_AT_ONCE):
                position = f"({entries[-1][0]}"
                theirs = [
                    entry_id
                    for entry_id, fields in entries
                    if stream != LIVE or _is_of(user_id, fields["event"])
                    if '"event_type":"user.deleted"' not in "".join(fields.values())
                ]
                if theirs:
                    await self._valkey.delete_entries(stream, theirs)

    async def since(self, user_id: UUID, event_id: UUID) -> LiveEvents:
        """The user's events after the given one, or after a position (`position_id`)."""
        complete, position, envelopes = await self._read_since(
            [_user_stream(user_id), LIVE, _id_key(event_id)],
            [self._kept_per_user, self._kept_seconds, position_of(event_id) or ""],
        )
        items = [EventEnvelope.model_validate_json(envelope) for envelope in envelopes]
        return LiveEvents(items=items, complete=complete == 1, position=position)


def _is_of(user_id: UUID, event: str) -> bool:
    return str(user_id) in event and LiveEvent.model_validate_json(event).user_id == user_id


def _id_key(event_id: UUID) -> str:
    return f"live-event:{event_id}"


def _user_stream(user_id: UUID) -> str:
    return f"stream:live:{user_id}"
