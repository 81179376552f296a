"""The WebSocket protocol of a service under uvicorn.

`UVICORN_WS=shared.kit.runtime.websocket_protocol:AbortingProtocol` chooses it.
"""

from asyncio import TimerHandle
from typing import ClassVar

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

PREPARED_FRAMES = "tools-dashboard.prepared-frames"
"""The ASGI extension whose `send` is `AbortingProtocol.send_prepared` of the connection."""


def text_frame(text: bytes) -> bytes:
    """The frame of a text message (RFC 6455), as a server sends it uncompressed."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


class AbortingProtocol(WebSocketsSansIOProtocol):
    """Ends the connection of a client that does not read, and frees what was written for it.

    uvicorn closes a connection only after its write buffer is empty. Such a buffer holds at most
    64 KiB and one message: the transport's limit, above which an app waits before it sends more.
    """

    unread_seconds: ClassVar[float] = 10.0
    """How long the write buffer may stay above its limit, or the close of an idle socket unsent."""

    _abort: TimerHandle | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.handshake_complete:  # it is not refused: the app is asked
            self.scope["extensions"][PREPARED_FRAMES] = {"send": self.send_prepared}

    def send_prepared(self, frame: bytes) -> bool:
        """Write `frame`, of which one is made for many connections, without waiting.

        False, and nothing is written, where the app has to `send` the message: the write buffer is
        above its limit, messages are compressed, or the connection is closing.
        """
        if (
            self.conn.state is not State.OPEN
            or self.conn.extensions
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(frame)
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._abort_later()

    def resume_writing(self) -> None:
        self._keep()
        super().resume_writing()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self._keep()
        super().connection_lost(exc)

    def _abort_later(self) -> None:
        if self._abort is None:
            self._abort = self.loop.call_later(self.unread_seconds, self.transport.abort)

    def _keep(self) -> None:
        if self._abort is not None:
            self._abort.cancel()
            self._abort = None
