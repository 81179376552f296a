"""How a request reaches a service: over the network, or into an app in memory for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urlencode

import aiohttp
from starlette.types import ASGIApp, Message
from yarl import URL


class ConnectFailed(Exception):
    """The service could not be reached: it has not seen the request."""


class ConnectionBroke(Exception):
    """The connection broke after the request went out: the service may have acted on it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `path` begins with a slash, `params` are not yet encoded."""

    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the names of `headers` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """An answer whose body comes piece by piece."""

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes]


class Transport(Protocol):
    """Carries requests to one service."""

    async def open(self) -> None:
        """Get ready; called once before the first request."""

    async def close(self) -> None:
        """Let go of all connections."""

    async def send(self, request: Request, timeout: float) -> Reply:
        """Raises ConnectFailed, ConnectionBroke, or TimeoutError after `timeout` seconds."""

    def stream(
        self, request: Request, *, silence: float
    ) -> AbstractAsyncContextManager[StreamedReply]:
        """Like `send`, for a body without end; TimeoutError after `silence` seconds of nothing."""


class HttpTransport:
    """HTTP/1.1 with pooled connections."""

    def __init__(self, base_url: str, *, connections: int = 100) -> None:
        self._base_url = base_url
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers={"User-Agent", "Accept"},
            trust_env=False,
        )

    async def close(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None

    async def send(self, request: Request, timeout: float) -> Reply:
        try:
            async with self._opened().request(
                request.method,
                URL(self._base_url + request.target, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                return Reply(response.status, _lowered(response), await response.read())
        except aiohttp.ClientConnectorError as error:
            raise ConnectFailed(str(error)) from error
        except aiohttp.ClientError as error:
            raise ConnectionBroke(str(error) or type(error).__name__) from error

    @asynccontextmanager
    async def stream(self, request: Request, *, silence: float) -> AsyncIterator[StreamedReply]:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=silence, sock_read=silence)
        try:
            async with self._opened().request(
                request.method,
                URL(self._base_url + request.target, encoded=True),
                headers=request.headers,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                yield StreamedReply(
                    response.status, _lowered(response), response.content.iter_any()
                )
        except aiohttp.ClientConnectorError as error:
            raise ConnectFailed(str(error)) from error
        except aiohttp.ClientError as error:
            raise ConnectionBroke(str(error) or type(error).__name__) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the transport is not open: is the app's lifespan running?")
        return self._session


def _lowered(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


class AsgiTransport:
    """Calls an ASGI app in memory. The app's lifespan is its owner's affair."""

    def __init__(self, app: ASGIApp, *, client: tuple[str, int] = ("127.0.0.1", 1)) -> None:
        self._app = app
        self._client = client

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def send(self, request: Request, timeout: float) -> Reply:
        async with asyncio.timeout(timeout), self.stream(request, silence=timeout) as reply:
            body = b"".join([chunk async for chunk in reply.chunks])
            return Reply(reply.status, reply.headers, body)

    @asynccontextmanager
    async def stream(self, request: Request, *, silence: float) -> AsyncIterator[StreamedReply]:
        sent: asyncio.Queue[Message | None] = asyncio.Queue()
        gone = asyncio.Event()
        pending = [{"type": "http.request", "body": request.body or b"", "more_body": False}]

        async def receive() -> Message:
            if pending:
                return pending.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def run() -> None:
            try:
                await self._app(self._scope(request), receive, sent.put)
            finally:
                await sent.put(None)

        async def heard() -> Message | None:
            # Not wait_for: on Python 3.11 it can swallow a cancellation.
            async with asyncio.timeout(silence):
                return await sent.get()

        async def chunks() -> AsyncIterator[bytes]:
            while (message := await heard()) is not None:
                yield message.get("body", b"")
            if task.done() and task.exception():
                raise ConnectionBroke("the app broke off its answer") from task.exception()

        task = asyncio.create_task(run())
        try:
            start = await heard()
            if start is None:
                await task
                raise ConnectionBroke("the app answered nothing")
            headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
            yield StreamedReply(start["status"], headers, chunks())
        finally:
            gone.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _scope(self, request: Request) -> dict[str, object]:
        path, _, query = request.target.partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"test"),
                *(
                    (name.lower().encode(), value.encode())
                    for name, value in request.headers.items()
                ),
            ],
            "client": self._client,
            "server": ("127.0.0.1", 80),
        }
