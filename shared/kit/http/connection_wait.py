"""Calls wait while a service refuses connections, as it does during a restart."""

import asyncio
import random
import time
from contextlib import AbstractAsyncContextManager

from shared.kit.http import context
from shared.kit.http.transport import ConnectFailed, Reply, Request, StreamedReply, Transport


class ConnectionWait:
    """A transport that sends a request again while connections are refused.

    A refused connection or an unresolved name has sent nothing, so that any request may be
    repeated. At most `calls` requests wait at once, each for at most `seconds` and within the
    deadline of the edge request; further ones fail at once.
    """

    def __init__(self, transport: Transport, *, calls: int = 32, seconds: float = 3.0) -> None:
        self._transport = transport
        self._calls = calls
        self._seconds = seconds
        self._waiting = 0

    async def open(self) -> None:
        await self._transport.open()

    async def close(self) -> None:
        await self._transport.close()

    async def send(self, request: Request, timeout: float) -> Reply:
        """Raises ConnectFailed where no connection was accepted in time."""
        try:
            return await self._transport.send(request, timeout)
        except ConnectFailed:
            if self._waiting >= self._calls:
                raise
        self._waiting += 1
        try:
            return await self._send_when_accepted(request, timeout)
        finally:
            self._waiting -= 1

    def stream(
        self, request: Request, *, silence: float
    ) -> AbstractAsyncContextManager[StreamedReply]:
        """Not delayed: who follows a stream connects again by itself."""
        return self._transport.stream(request, silence=silence)

    async def _send_when_accepted(self, request: Request, timeout: float) -> Reply:
        end = time.monotonic() + self._seconds
        while True:
            pause = random.uniform(0.05, 0.15)  # noqa: S311  (jitter)
            left = context.remaining()
            if time.monotonic() + pause >= end or (left is not None and left <= pause):
                raise ConnectFailed("connections were refused for too long")
            await asyncio.sleep(pause)
            try:
                return await self._transport.send(
                    request, timeout if left is None else min(timeout, left - pause)
                )
            except ConnectFailed:
                continue
