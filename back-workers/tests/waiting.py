import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for `condition`. Raises AssertionError when it has not come true by then."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "the condition did not come true in time"
        await asyncio.sleep(0.005)
