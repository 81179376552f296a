"""The event loop of a service under uvicorn, and of a process without a web app.

`UVICORN_LOOP=shared.kit.runtime.event_loop:Loop` chooses it for uvicorn.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, cast

import uvloop

from shared.kit.http.garbage_collection import collect_little

_ACCEPTED_A_TURN = 16


class Servers:
    """Several servers on one address, with what uvicorn asks of an `asyncio.Server`."""

    def __init__(self, first: asyncio.Server, others: list[asyncio.Server]) -> None:
        self._first = first
        self._all = [first, *others]

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening sockets, each once."""
        return tuple(self._first.sockets)

    def close(self) -> None:
        for server in self._all:
            server.close()

    async def wait_closed(self) -> None:
        for server in self._all:
            await server.wait_closed()


class Loop(uvloop.Loop):
    """uvloop that accepts up to 16 connections at each turn of the loop, and not one alone.

    A turn is long where requests are many, so that with one accepted at each turn, connections
    waited for seconds in the listening socket, where no limit of requests sees them. Each
    duplicate of a listening socket is asked for one connection at each turn.
    """

    async def create_server(  # type: ignore[override] # with what uvicorn passes
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        **how: Any,  # noqa: ANN401 - as uvicorn passes it, to uvloop
    ) -> Servers:
        first = cast("asyncio.Server", await super().create_server(protocol_factory, **how))
        more = {"backlog": how.get("backlog", 100), "ssl": how.get("ssl")}
        others: list[asyncio.Server] = []
        for listening in first.sockets:
            for _ in range(_ACCEPTED_A_TURN - 1):
                copy = listening.dup()
                other = await super().create_server(protocol_factory, sock=copy, **more)
                others.append(cast("asyncio.Server", other))
        return Servers(first, others)


def run(main: Coroutine[None, None, None]) -> None:
    """As `asyncio.run`, on uvloop."""
    collect_little()
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main)
