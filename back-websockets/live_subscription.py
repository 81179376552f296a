"""The subscription of this process to the live events of all users."""

import asyncio
from contextlib import aclosing
from uuid import UUID

import structlog
from pydantic import ValidationError

import socket_events
from hub import Hub
from live_socket import Message, Position, Replay
from shared.kit import ServiceClient
from shared.kit.errors import ServiceError, Unavailable
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.live import LiveEvent, LiveEvents

log = structlog.get_logger()

STREAM = "/streams/live"
BEGINNING = "0-0"
_RECONNECT_SECONDS = 0.25


class LiveSubscription:
    """Reads the live stream of back-redis, resumes it, and reads the events a socket missed."""

    def __init__(self, redis: ServiceClient, hub: Hub, *, replay_bytes: int) -> None:
        self._redis = redis
        self._hub = hub
        self._replay_bytes = replay_bytes
        self._position: str | None = None

    async def ready(self) -> None:
        """Raises Unavailable until the stream was read up to its end once.

        From then on nothing is lost: while the stream is broken, its events come later.
        """
        if self._position is None:
            raise Unavailable("The stream of live events has not been read yet.", retry_after=1)

    async def follow(self) -> None:
        """Read the stream until cancelled."""
        while True:
            try:
                async with aclosing(self._redis.events(STREAM, since=self._position)) as events:
                    async for event in events:
                        self._take(event)
            except ServiceError as error:
                log.info("live_stream_disconnected", reason=error.detail)
            await asyncio.sleep(_RECONNECT_SECONDS)

    def from_here(self) -> Replay:
        """What a socket sends first whose client has seen no event, as it joins the hub."""
        return Replay([socket_events.opened(self._position or BEGINNING)])

    async def missed(self, user_id: UUID, since: UUID) -> Replay:
        """The user's events after `since`, after a resync where some may be missing.

        The oldest ones are missing beyond `replay_bytes`.

        Raises:
            Unavailable: back-redis can't tell at present.
        """
        found = await self._redis.get(
            f"/users/{user_id}/live-events", params={"since": since}, response_model=LiveEvents
        )
        messages = [Message.of(envelope) for envelope in found.items]
        newest = _newest(messages, self._replay_bytes)
        if not found.complete or len(newest) < len(messages):
            newest.insert(0, socket_events.resync())
        return Replay(newest, _order(found.position) if found.position else None)

    def _take(self, event: ServerSentEvent) -> None:
        match event.event:
            case "gap":
                # back-redis may have lost its memory, so that its ids begin anew.
                self._position = BEGINNING
                self._hub.resync()
            case "entry" if event.id and self._is_new(event.id):
                self._position = event.id
                self._deliver(event.data, _order(event.id))
            case "caught-up" if event.id and self._is_new(event.id):
                self._position = event.id

    def _deliver(self, data: str, position: Position) -> None:
        try:
            live = LiveEvent.model_validate_json(data)
        except ValidationError as error:
            log.error(  # noqa: TRY400  (the traceback would quote the event)
                "live_event_unreadable",
                position=self._position,
                errors=[e["type"] for e in error.errors()],
            )
        else:
            self._hub.deliver(live, position)

    def _is_new(self, stream_id: str) -> bool:
        return self._position is None or _order(stream_id) > _order(self._position)


def _newest(messages: list[Message], most_bytes: int) -> list[Message]:
    """The last of the messages, as many as have together at most `most_bytes`."""
    kept = len(messages)
    for message in reversed(messages):
        most_bytes -= message.size
        if most_bytes < 0:
            break
        kept -= 1
    return messages[kept:]


def _order(stream_id: str) -> Position:
    return tuple(int(part) for part in stream_id.split("-"))
