"""Keeps the lease of a delivery while the work for it runs."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from delivery_handler import LeaseLost
from shared.kit.errors import Conflict, ServiceError

T = TypeVar("T")

RENEWALS_A_LEASE = 3


async def with_lease(
    renew: Callable[[], Awaitable[None]],
    work: Callable[[], Awaitable[T]],
    *,
    lease_seconds: float,
) -> T:
    """The result of `work`, while `renew` is called every third of the lease.

    `renew` raises Conflict when the lease is lost. An error of `renew` that is not a ServiceError
    ends the work and is raised.

    Raises:
        LeaseLost: another worker may have the lease; `work` was cancelled.
    """

    async def keep() -> None:
        ends = time.monotonic() + lease_seconds
        while time.monotonic() < ends:
            await asyncio.sleep(lease_seconds / RENEWALS_A_LEASE)
            asked = time.monotonic()
            try:
                await renew()
                ends = asked + lease_seconds
            except Conflict:
                return
            except ServiceError:
                continue

    working = asyncio.ensure_future(work())
    keeping = asyncio.create_task(keep())
    try:
        await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise keeping.exception() or LeaseLost
        return await working
    finally:
        working.cancel()
        keeping.cancel()
        await asyncio.gather(working, keeping, return_exceptions=True)
