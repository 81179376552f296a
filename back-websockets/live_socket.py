"""One open socket: its send queue, its duplicates and its close code."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.models.auth import TicketHolder
from shared.models.event import EventEnvelope

_SEEN_KEPT = 500
_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Closing:
    """A close code (RFC 6455, 4000 to 4999 are an application's own) and its reason."""

    code: int
    reason: str


SESSION_ENDED = Closing(4401, "session ended")
TOO_SLOW = Closing(4408, "too slow, resume with since")
TOO_MANY_MESSAGES = Closing(4429, "too many messages")


@dataclass(frozen=True, slots=True)
class Message:
    """A serialised event, made once for all sockets of a user."""

    event_id: UUID
    text: str

    @classmethod
    def of(cls, envelope: EventEnvelope) -> "Message":
        return cls(envelope.event_id, envelope.model_dump_json())


class LiveSocket:
    """A socket of `holder`. It queues events from its creation on, before it sends any."""

    def __init__(self, holder: TicketHolder, *, queue_size: int) -> None:
        self.user_id = holder.user_id
        self.sid = holder.sid
        self.generation = holder.generation
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(queue_size)
        self._ended: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._seen: dict[UUID, None] = {}

    def offer(self, message: Message) -> None:
        """Queue `message`; close the socket when its queue is full."""
        if self._waiting.full():
            self.end(TOO_SLOW)
        else:
            self._waiting.put_nowait(message)

    def end(self, closing: Closing) -> None:
        """Close the socket; the first reason is kept."""
        if not self._ended.done():
            self._ended.set_result(closing)

    async def serve(
        self,
        websocket: WebSocket,
        missed: Iterable[Message],
        may_send: Callable[[], bool],
        session_ended: Awaitable[None],
    ) -> Closing | None:
        """Send `missed`, then the queued events, until either side closes or the session ends.

        `may_send` says whether the client may send one more message; `session_ended` returns when
        the session has expired. Returns why the socket was closed, None when the client left.
        """
        sides = (
            asyncio.create_task(self._read(websocket, may_send)),
            asyncio.create_task(self._write(websocket, missed)),
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

    async def _write(self, websocket: WebSocket, missed: Iterable[Message]) -> None:
        with suppress(WebSocketDisconnect):
            for message in missed:
                await self._send(websocket, message)
            while True:
                await self._send(websocket, await self._waiting.get())

    async def _send(self, websocket: WebSocket, message: Message) -> None:
        if message.event_id in self._seen:
            return
        self._seen[message.event_id] = None
        if len(self._seen) > _SEEN_KEPT:
            del self._seen[next(iter(self._seen))]
        await websocket.send_text(message.text)
