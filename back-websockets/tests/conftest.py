"""back-websockets on a real server, with back-redis and back-auth in memory."""

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from main import app as make_app
from shared.kit.runtime.websocket_protocol import AbortingProtocol
from shared.testing.asgi_client import in_memory
from shared.testing.identities import make_identities
from shared.testing.waiting import until
from tests.fake_back_redis import FakeBackRedis

Message = dict[str, Any]


@dataclass(frozen=True)
class Running:
    """The service on a port of its own."""

    port: int
    server: uvicorn.Server

    def open(self, **query: object) -> connect:
        """A connection to be made, or entered with `async with`."""
        return self.open_as(query)

    def open_as(
        self,
        query: Mapping[str, object],
        *,
        compression: str | None = None,
        max_queue: int | None = None,
    ) -> connect:
        """As `open`. The client reads no more while `max_queue` messages wait for the test."""
        wanted = urlencode({name: str(value) for name, value in query.items()})
        url = f"ws://127.0.0.1:{self.port}/ws/notifications?{wanted}"
        return connect(url, compression=compression, open_timeout=20, max_queue=max_queue)

    async def health(self, path: str) -> int:
        """The status of one of the health endpoints."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
        status = (await reader.readline()).split()[1]
        await reader.read()
        writer.close()
        await writer.wait_closed()
        return int(status)

    async def ready(self) -> bool:
        return await self.health("/health/ready") == 200


async def received(socket: ClientConnection) -> Message:
    """The next event."""
    async with asyncio.timeout(20):
        message = json.loads(await socket.recv())
    assert isinstance(message, dict)
    return message


async def close_code(socket: ClientConnection) -> int | None:
    """The code that the server closes with."""
    async with asyncio.timeout(20):
        await socket.wait_closed()
    return socket.close_code


@pytest.fixture
def redis() -> FakeBackRedis:
    return FakeBackRedis()


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(
    redis: FakeBackRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Start]:
    """Start the service, with server settings of its own; ended after the test.

    SIGTERM ends the service, and not the tests, to which uvicorn hands it on afterwards.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    keys = make_identities(tmp_path, "back-websockets")
    for name, value in keys.env("back-websockets").items():
        monkeypatch.setenv(name, value)
    running: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    async def start(**options: float) -> Running:
        apps = {"back-redis": redis.app(), "back-auth": redis.auth_app()}
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            make_app(connect=in_memory(apps)),
            log_config=None,
            ws=AbortingProtocol,
            ws_max_size=131_072,
            ws_per_message_deflate=bool(options.get("compressed")),
            ws_ping_interval=options.get("ping_interval", 30),
            ws_ping_timeout=options.get("ping_timeout", 90),
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        running.append((server, asyncio.create_task(server.serve(sockets=[listener]))))
        return Running(listener.getsockname()[1], server)

    yield start
    for server, task in running:
        server.should_exit = True
        await task
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
async def service(start: Start) -> Running:
    """The service, ready."""
    service = await start()
    await until(service.ready)
    return service
