"""One open socket: its send queue, its duplicates and its close code."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.models.auth import TicketHolder
from shared.models.event import EventEnvelope

_SEEN_KEPT = 500
_CLOSE_SECONDS = 1.0


Position: TypeAlias = tuple[int, ...]
"""The sort key of a stream id, `milliseconds-sequence`."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A close code (RFC 6455, 4000 to 4999 are an application's own) and its reason."""

    code: int
    reason: str


SESSION_ENDED = Closing(4401, "session ended")
RESTARTING = Closing(1012, "restarting, resume with since")
TOO_SLOW = Closing(4408, "too slow, resume with since")
TOO_MANY_MESSAGES = Closing(4429, "too many messages")


@dataclass(frozen=True, slots=True)
class Message:
    """A serialised event, made once for all sockets of a user.

    `size` is in bytes. `position` is its place in the stream, None for what was not read there.
    """

    event_id: UUID
    text: str
    size: int
    position: Position | None = None

    @classmethod
    def of(cls, envelope: EventEnvelope, position: Position | None = None) -> "Message":
        text = envelope.model_dump_json()
        return cls(envelope.event_id, text, len(text.encode()), position)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a new socket sends first.

    `position` is how far it reaches in the stream: nothing up to there is sent again.
    """

    messages: Sequence[Message] = ()
    position: Position | None = None


class LiveSocket:
    """A socket of `holder`. It queues events from its creation on, before it sends any.

    At most `queue_size` events of together `queue_bytes` wait to be sent.
    """

    def __init__(self, holder: TicketHolder, *, queue_size: int, queue_bytes: int) -> None:
        self.user_id = holder.user_id
        self.sid = holder.sid
        self.generation = holder.generation
        self._queue_size = queue_size
        self._bytes_left = queue_bytes
        self._waiting: asyncio.Queue[Message | Closing] = asyncio.Queue()
        self._ended: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._seen: dict[UUID, None] = {}

    def offer(self, message: Message) -> None:
        """Queue `message`; close the socket when its queue is full."""
        if self._waiting.qsize() >= self._queue_size or self._bytes_left < message.size:
            self.end(TOO_SLOW)
        elif not self._ended.done():
            self._bytes_left -= message.size
            self._waiting.put_nowait(message)

    def end_after(self, message: Message, closing: Closing) -> None:
        """Close the socket once what waits and then `message` were sent."""
        self._waiting.put_nowait(message)
        self._waiting.put_nowait(closing)

    def end(self, closing: Closing) -> None:
        """Close the socket; the first reason is kept."""
        if not self._ended.done():
            self._ended.set_result(closing)

    async def serve(
        self,
        websocket: WebSocket,
        replay: Replay,
        may_send: Callable[[], bool],
        session_ended: Awaitable[None],
    ) -> Closing | None:
        """Send `replay`, then the queued events, until either side closes or the session ends.

        `may_send` says whether the client may send one more message; `session_ended` returns when
        the session has expired. Returns why the socket was closed, None when the client left.
        """
        sides = (
            asyncio.create_task(self._read(websocket, may_send)),
            asyncio.create_task(self._write(websocket, replay)),
            asyncio.create_task(self._end_after(session_ended)),
        )
        whichever: set[asyncio.Future[Closing] | asyncio.Task[None]] = {*sides, self._ended}
        try:
            await asyncio.wait(whichever, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            results = await asyncio.gather(*sides, return_exceptions=True)
        for crash in results:
            if isinstance(crash, Exception):
                raise crash
        if not self._ended.done():
            return None
        closing = self._ended.result()
        with suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await websocket.close(closing.code, closing.reason)
        return closing

    async def _read(self, websocket: WebSocket, may_send: Callable[[], bool]) -> None:
        while (await websocket.receive())["type"] == "websocket.receive":
            if not may_send():
                self.end(TOO_MANY_MESSAGES)

    async def _end_after(self, session_ended: Awaitable[None]) -> None:
        await session_ended
        self.end(SESSION_ENDED)

    async def _write(self, websocket: WebSocket, replay: Replay) -> None:
        replayed = replay.position
        with suppress(WebSocketDisconnect):
            for message in replay.messages:
                await self._send(websocket, message)
            while isinstance(waiting := await self._waiting.get(), Message):
                if waiting.position is None:
                    replayed = None  # a resync: the stream begins anew
                if not (waiting.position and replayed and waiting.position <= replayed):
                    await self._send(websocket, waiting)
                self._bytes_left += waiting.size
            self.end(waiting)

    async def _send(self, websocket: WebSocket, message: Message) -> None:
        if message.event_id in self._seen:
            return
        self._seen[message.event_id] = None
        if len(self._seen) > _SEEN_KEPT:
            del self._seen[next(iter(self._seen))]
        await websocket.send_text(message.text)
