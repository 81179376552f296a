"""One open socket: its send queue, its duplicates and its close code."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.kit.runtime.websocket_protocol import PREPARED_FRAMES, text_frame
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
    """A serialised event and its frame, made once for all sockets of a user.

    `size` is that of the text in bytes. `position` is its place in the stream, None for what was
    not read there.
    """

    event_id: UUID
    text: str
    size: int
    frame: bytes
    position: Position | None = None

    @classmethod
    def of(cls, envelope: EventEnvelope, position: Position | None = None) -> "Message":
        text = envelope.model_dump_json()
        encoded = text.encode()
        return cls(envelope.event_id, text, len(encoded), text_frame(encoded), position)


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
        self._replayed: Position | None = None
        self._send_prepared: Callable[[bytes], bool] | None = None

    def offer(self, message: Message) -> None:
        """Send `message` at once where the connection has room and nothing waits, else queue it.

        Close the socket when its queue is full.
        """
        if self._sent_at_once(message):
            return
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
        send_prepared = websocket.scope.get("extensions", {}).get(PREPARED_FRAMES, {}).get("send")
        self._replayed = replay.position
        with suppress(WebSocketDisconnect):
            for message in replay.messages:
                if self._is_new(message):
                    await websocket.send_text(message.text)
            while isinstance(waiting := await self._next(send_prepared), Message):
                if not self._is_replayed(waiting) and self._is_new(waiting):
                    await websocket.send_text(waiting.text)
                self._bytes_left += waiting.size
            self.end(waiting)

    async def _next(self, send_prepared: Callable[[bytes], bool] | None) -> Message | Closing:
        """What waits, or comes and can't be sent at once: nothing is under way meanwhile."""
        self._send_prepared = send_prepared
        try:
            return await self._waiting.get()
        finally:
            self._send_prepared = None

    def _sent_at_once(self, message: Message) -> bool:
        """Whether nothing is left to do for the message."""
        if self._send_prepared is None or not self._waiting.empty() or self._ended.done():
            return False
        if self._is_replayed(message) or message.event_id in self._seen:
            return True
        return self._send_prepared(message.frame) and self._is_new(message)

    def _is_replayed(self, message: Message) -> bool:
        if message.position is None:
            self._replayed = None  # a resync: the stream begins anew
        return bool(self._replayed and message.position and message.position <= self._replayed)

    def _is_new(self, message: Message) -> bool:
        """Note the message; whether the socket did not send it before."""
        if message.event_id in self._seen:
            return False
        self._seen[message.event_id] = None
        if len(self._seen) > _SEEN_KEPT:
            del self._seen[next(iter(self._seen))]
        return True
