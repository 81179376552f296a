"""Writes with an expected version, done again after a concurrent change."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.kit.errors import Conflict

TRIES = 3

T = TypeVar("T")


async def again_when_stale(read_and_write: Callable[[], Awaitable[T]]) -> T:
    """What `read_and_write` returns, called up to TRIES times while it meets concurrent changes.

    Each call reads the version anew. Raises what it raises, Conflict `stale_version` at the end.
    """
    for _ in range(TRIES - 1):
        try:
            return await read_and_write()
        except Conflict as conflict:
            if conflict.code != "stale_version":
                raise
    return await read_and_write()
