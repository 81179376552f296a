"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from shared.kit.errors import ServiceError


async def until(succeeds: Callable[[], Awaitable[None]], *, within: float = 15) -> None:
    """Call `succeeds` until it raises nothing; its error after `within` seconds."""
    end = monotonic() + within
    while True:
        try:
            return await succeeds()
        except ServiceError:
            if monotonic() > end:
                raise
        await asyncio.sleep(0.05)
