"""HTTP/1.1 connections that cost a load generator a tenth of what a complete client costs.

A generator runs on the cores that it measures: what it uses is missing to the stack.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, cast
from urllib.parse import urlsplit

import httptools

IDLE_MAX_SECONDS = 4
"""Shorter than any server of the stack keeps a connection that it does not use."""


@dataclass
class Reply:
    status: int = 0
    retry_after: bool = False
    body: bytes = b""


@dataclass
class Connections:
    """At most `at_most` connections to `base_url`, opened when they are needed.

    Raises OSError and TimeoutError from `send`.
    """

    base_url: str
    at_most: int
    timeout: float
    _idle: "list[_Connection]" = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._free = asyncio.Semaphore(self.at_most)
        self._loop = asyncio.get_running_loop()
        url = urlsplit(self.base_url)
        self._host, self._port = url.hostname or "", url.port or 80
        self._head = f" HTTP/1.1\r\nHost: {url.netloc}\r\n"
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._idle:
            connection.transport.close()

    def head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        """The beginning of a request, to make once for many requests."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path}{self._head}{lines}".encode()

    async def send(self, head: bytes, header: str, body: str) -> Reply:
        """Send a request with one header more than those in `head`."""
        said = body.encode()
        length = f"Content-Length: {len(said)}\r\n" if said else ""
        request = b"%b%b\r\n%b\r\n%b" % (head, header.encode(), length.encode(), said)
        async with self._free:
            connection = self._usable() or await self._opened()
            too_late = self._loop.call_later(self.timeout, connection.end, TimeoutError())
            try:
                reply = await connection.send(request)
            except BaseException:
                connection.transport.abort()
                raise
            finally:
                too_late.cancel()
            if connection.is_kept:
                self._idle.append(connection)
            else:
                connection.transport.close()
            return reply

    def _usable(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if time.monotonic() - connection.used_at < IDLE_MAX_SECONDS and connection.is_kept:
                return connection
            connection.transport.close()
        return None

    async def _opened(self) -> "_Connection":
        async with asyncio.timeout(self.timeout):
            return (await self._loop.create_connection(_Connection, self._host, self._port))[1]


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._reply = Reply()
        self._awaited: asyncio.Future[Reply] | None = None
        self.is_kept = True
        self.used_at = 0.0

    def send(self, request: bytes) -> asyncio.Future[Reply]:
        self._reply = Reply()
        self._awaited = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._awaited

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.connection_lost(error)

    def connection_lost(self, error: Exception | None) -> None:
        self.end(ConnectionError(str(error or "closed without an answer")))

    def end(self, error: Exception) -> None:
        """It is not used any more; a request that is under way ends with `error`."""
        self.is_kept = False
        if self._awaited and not self._awaited.done():
            self._awaited.set_exception(error)

    def on_header(self, name: bytes, _: bytes) -> None:
        if name.lower() == b"retry-after":
            self._reply.retry_after = True

    def on_body(self, body: bytes) -> None:
        self._reply.body += body

    def on_message_complete(self) -> None:
        self._reply.status = self._parser.get_status_code()
        self.is_kept = self._parser.should_keep_alive()
        self.used_at = time.monotonic()
        if self._awaited and not self._awaited.done():
            self._awaited.set_result(self._reply)
