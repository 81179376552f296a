"""The control of the fan-out: a `websockets` server that sends everybody what one client asks for.

A message to it is the text to broadcast. The port is its argument.
"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(port: int) -> None:
    connected: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        connected.add(connection)
        try:
            async for text in connection:
                broadcast(connected - {connection}, text)
        finally:
            connected.discard(connection)

    async with serve(handle, "127.0.0.1", port, compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
