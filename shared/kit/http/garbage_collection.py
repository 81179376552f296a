"""How a process that serves collects its garbage."""

import gc

from starlette.types import Message, Send

OBJECTS_A_COLLECTION = 5_000
"""Python's is 700: a request makes about as many."""


def collect_little() -> None:
    """Leave what the process has made by now out of every collection: it lives as long.

    That is a hundred thousand objects in a service. A full collection of them stops all requests
    for tens of milliseconds.
    """
    gc.freeze()
    gc.set_threshold(OBJECTS_A_COLLECTION)


def collecting_little_once_started(send: Send) -> Send:
    """`send` of a server's lifespan; what was made by the end of the start is left out."""

    async def noting_send(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            collect_little()
        await send(message)

    return noting_send
