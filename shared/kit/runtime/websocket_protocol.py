"""The WebSocket protocol of a service under uvicorn.

`UVICORN_WS=shared.kit.runtime.websocket_protocol:AbortingProtocol` chooses it.
"""

from asyncio import TimerHandle
from typing import ClassVar

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class AbortingProtocol(WebSocketsSansIOProtocol):
    """Ends the connection of a client that does not read, and frees what was written for it.

    uvicorn closes a connection only after its write buffer is empty. Such a buffer holds at most
    64 KiB and one message: the transport's limit, above which an app waits before it sends more.
    """

    unread_seconds: ClassVar[float] = 10.0
    """How long the write buffer may stay above its limit, or the close of an idle socket unsent."""

    _abort: TimerHandle | None = None

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
