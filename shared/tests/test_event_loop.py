"""The event loop accepts many connections at each of its turns."""

import asyncio
import socket

from shared.kit.runtime.event_loop import Loop


class Accepted(asyncio.Protocol):
    """Notes at which turn of the loop each connection was accepted."""

    def __init__(self, turns: list[int], accepted: list[int], done: asyncio.Event) -> None:
        self._turns = turns
        self._accepted = accepted
        self._done = done

    def connection_made(self, _: asyncio.BaseTransport) -> None:
        self._accepted.append(len(self._turns))
        if len(self._accepted) == 32:
            self._done.set()


async def turns_to_accept_32() -> int:
    loop = asyncio.get_running_loop()
    turns: list[int] = []
    accepted: list[int] = []
    done = asyncio.Event()

    def turn() -> None:
        turns.append(1)
        if not done.is_set():
            loop.call_soon(turn)

    server = await loop.create_server(
        lambda: Accepted(turns, accepted, done), host="127.0.0.1", port=0, backlog=64
    )
    address = server.sockets[0].getsockname()
    clients = [socket.create_connection(address) for _ in range(32)]
    turn()
    async with asyncio.timeout(10):
        await done.wait()
    for client in clients:
        client.close()
    server.close()
    await server.wait_closed()
    with socket.socket() as late:
        assert late.connect_ex(address) != 0, "nothing listens once the server is closed"
    return accepted[-1] - accepted[0]


def test_32_connections_take_a_few_turns() -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(turns_to_accept_32()) <= 4


def test_an_address_is_listed_once() -> None:
    async def sockets() -> int:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, host="127.0.0.1", port=0
        )
        count = len(server.sockets)
        server.close()
        await server.wait_closed()
        return count

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert runner.run(sockets()) == 1
