"""How a process that serves collects its garbage."""

import gc

from starlette.types import Message, Send

OBJECTS_A_COLLECTION = 5_000
"""Python's is 700: a request makes about as many."""

OBJECTS_A_COLLECTION_OF_A_START = 1_000_000
"""More than a service makes until it has started: what a start leaves behind is a megabyte."""


def collect_rarely() -> None:
    """Collect nothing until the app has started and calls `collect_little`.

    What an app is made of stays: to look through it again and again as it grows finds nothing.
    """
    gc.set_threshold(OBJECTS_A_COLLECTION_OF_A_START)


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
