"""Waits for a condition, with a deadline."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from shared.kit.errors import ServiceError

_POLL_SECONDS = 0.01


async def until(condition: Callable[[], object], *, within: float = 40) -> None:
    """Return once `condition` gives something true; it may be a coroutine function.

    Raises AssertionError when it has not within `within` seconds.
    """
    try:
        async with asyncio.timeout(within) as deadline:
            while True:
                found = condition()
                if await found if inspect.isawaitable(found) else found:
                    return
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        if not deadline.expired():
            raise
        raise AssertionError(f"the condition did not hold within {within:g} s") from None


async def until_it_succeeds(call: Callable[[], Awaitable[object]]) -> None:
    """Repeat `call` until it raises no ServiceError; see `until`."""

    async def succeeds() -> bool:
        try:
            await call()
        except ServiceError:
            return False
        return True

    await until(succeeds)
