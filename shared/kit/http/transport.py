"""How a request reaches a service: the interface of transports, and HTTP."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from yarl import URL

from shared.kit.lean_imports import no_certificate_authorities

with no_certificate_authorities():
    import aiohttp  # noqa: TID251 - the one client of the services

IDLE_SECONDS = 4.0
"""How long an idle connection is kept: less than the 5 s after which uvicorn closes it."""


class ConnectFailed(Exception):
    """The connection could not be opened: the service has not received the request."""


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
    """A response; the names of `headers` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """A response whose body arrives in chunks."""

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes]


class Transport(Protocol):
    """Sends requests to one service."""

    async def open(self) -> None:
        """Open what requests need; called once before the first one."""

    async def close(self) -> None:
        """Close all connections."""

    async def send(self, request: Request, timeout: float) -> Reply:
        """Raises ConnectFailed, ConnectionBroke, or TimeoutError after `timeout` seconds."""

    def stream(
        self, request: Request, *, silence: float
    ) -> AbstractAsyncContextManager[StreamedReply]:
        """Like `send`, for an endless body; TimeoutError after `silence` seconds without data."""


Connect = Callable[[str], Transport]
"""The transport to the service of a name, in place of HTTP."""


class HttpTransport:
    """HTTP/1.1 with pooled connections to one base URL, like `http://127.0.0.1:8101`.

    By `https` the service is verified by the certificate authorities of the machine.
    """

    def __init__(self, base_url: str, *, connections: int = 100) -> None:
        self._base_url = base_url.rstrip("/")
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        tls = ssl.create_default_context() if self._base_url.startswith("https:") else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, keepalive_timeout=IDLE_SECONDS, ssl=tls
            ),
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
