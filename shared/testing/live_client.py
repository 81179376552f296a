"""A client of the WebSocket `/ws/notifications` that reconnects and resumes."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from urllib.parse import urlencode
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from shared.models.event import EventEnvelope
from shared.models.live import NOTHING_SEEN, ReconnectHint

_SEEN_KEPT = 1000
_LONGEST_PAUSE = 2.0  # seconds
_SESSION_ENDED = 4401
_TOO_MANY_MESSAGES = 4429


class SessionEnded(Exception):
    """The session of the client has ended: log in again."""


class LiveClient:
    """Follows the events of a user over any number of connections, as the contract describes.

    `url` is that of the socket. `ticket` gives a new ticket, or None while none is to be had.
    `connections` counts the sockets that opened, `resyncs` those events, `repeated` the events
    that came again and were dropped, `hints` the seconds that servers asked it to wait.
    """

    def __init__(
        self,
        url: str,
        ticket: Callable[[], Awaitable[str | None]],
        *,
        first_pause: float = 0.1,
    ) -> None:
        self.url = url
        self.since = NOTHING_SEEN
        self.connections = 0
        self.resyncs = 0
        self.repeated = 0
        self.hints: list[float] = []
        self._ticket = ticket
        self._first_pause = first_pause
        self._sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        self._wait: float | None = None
        self._seen: dict[UUID, None] = {}

    async def events(self) -> AsyncGenerator[EventEnvelope, None]:
        """Each event once, and `notifications.resync` where some may be missing. Never ends.

        Raises:
            SessionEnded: by the server, at the handshake or later.
        """
        pause = self._first_pause
        while True:
            self._wait = None
            connections = self.connections
            try:
                if ticket := await self._ticket():
                    query = urlencode({"ticket": ticket, "since": str(self.since)})
                    async with connect(f"{self.url}?{query}", compression=None) as socket:
                        self.connections += 1
                        async for event in self._received(socket):
                            yield event
            except InvalidStatus as refused:
                self._refused(refused)
            except ConnectionClosed as closed:
                self._closed(closed)
            except (OSError, TimeoutError, InvalidHandshake):
                pass
            if self.connections > connections:
                pause = self._first_pause
            if self._wait is None:
                self._wait = random.uniform(pause / 2, pause)  # noqa: S311 - jitter
                pause = min(2 * pause, _LONGEST_PAUSE)
            await self._sleep(self._wait)

    async def _received(self, socket: ClientConnection) -> AsyncGenerator[EventEnvelope, None]:
        while True:
            event = EventEnvelope.model_validate_json(await socket.recv())
            match event.event_type:
                case "notifications.reconnect":
                    self._wait = ReconnectHint.model_validate(event.payload).after_seconds
                    self.hints.append(self._wait)
                case "notifications.resync":
                    self.resyncs += 1
                    yield event
                case "notifications.opened":
                    self.since = event.event_id
                case _ if event.event_id in self._seen:
                    self.repeated += 1
                case _:
                    yield event
                    self._remember(event.event_id)

    def _remember(self, event_id: UUID) -> None:
        self.since = event_id
        self._seen[event_id] = None
        if len(self._seen) > _SEEN_KEPT:
            del self._seen[next(iter(self._seen))]

    def _refused(self, refused: InvalidStatus) -> None:
        response = refused.response
        if response.status_code == 401:
            raise SessionEnded from refused
        if response.status_code == 400:
            raise refused
        if "Retry-After" in response.headers:
            self._wait = float(response.headers["Retry-After"])

    def _closed(self, closed: ConnectionClosed) -> None:
        code = closed.rcvd.code if closed.rcvd else None
        if code == _SESSION_ENDED:
            raise SessionEnded from closed
        if code == _TOO_MANY_MESSAGES:
            self._wait = 1.0
