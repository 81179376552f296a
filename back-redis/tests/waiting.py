"""Waiting for what a test expects, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], Awaitable[bool]], *, within: float = 20) -> None:
    """Return when `holds`; TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110  (another process has no event to wait on)
            await asyncio.sleep(0.02)
