import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.testing.tcp_proxy import TcpProxy


@pytest.fixture
async def echo() -> AsyncIterator[asyncio.Server]:
    """An engine that echoes what it gets."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server


@pytest.fixture
async def proxy(echo: asyncio.Server) -> AsyncIterator[TcpProxy]:
    async with TcpProxy("127.0.0.1", echo.sockets[0].getsockname()[1]) as proxy:
        yield proxy


class Caller:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, word: bytes, within: float = 20) -> bytes:
        """The engine's next line; nothing where the connection was cut."""
        self._writer.write(word + b"\n")
        async with asyncio.timeout(within):
            try:
                return await self._reader.readline()
            except ConnectionError:
                return b""


@asynccontextmanager
async def connected(proxy: TcpProxy) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()


async def test_passes_bytes_both_ways(proxy: TcpProxy) -> None:
    async with connected(proxy) as caller:
        assert await caller.say(b"hello") == b"hello\n"


async def test_a_stopped_engine_cuts_and_refuses_until_it_starts(proxy: TcpProxy) -> None:
    async with connected(proxy) as caller:
        await caller.say(b"hello")
        await proxy.stop()
        assert await caller.say(b"there?") == b""

    with pytest.raises(ConnectionError):
        async with connected(proxy):
            pass

    await proxy.start()
    async with connected(proxy) as caller:
        assert await caller.say(b"again") == b"again\n"


async def test_a_frozen_engine_says_nothing_until_it_goes_on(proxy: TcpProxy) -> None:
    async with connected(proxy) as caller:
        await caller.say(b"hello")
        proxy.freeze()
        with pytest.raises(TimeoutError):
            await caller.say(b"one", within=0.05)

        proxy.thaw()
        assert await caller.say(b"two") == b"one\n"


async def test_an_engine_that_is_away_ends_the_connection(echo: asyncio.Server) -> None:
    port = echo.sockets[0].getsockname()[1]
    echo.close()
    await echo.wait_closed()
    async with TcpProxy("127.0.0.1", port) as proxy, connected(proxy) as caller:
        assert await caller.say(b"there?") == b""
