import asyncio
import time
from collections.abc import Awaitable, Callable

from delivery_handler import LeaseLost
from outbox_client import OutboxClient
from shared.kit.errors import Conflict, ServiceError
from shared.models.event import Delivery

RENEWALS_A_LEASE = 3


async def with_lease(
    outbox: OutboxClient,
    delivery: Delivery,
    work: Callable[[], Awaitable[None]],
    *,
    lease_seconds: float,
) -> None:
    """Run `work` and renew the lease until it ends.

    Raises:
        LeaseLost: another worker may have the lease; `work` was cancelled.
    """

    async def renew() -> None:
        ends = time.monotonic() + lease_seconds
        while time.monotonic() < ends:
            await asyncio.sleep(lease_seconds / RENEWALS_A_LEASE)
            asked = time.monotonic()
            try:
                await outbox.renew(delivery)
                ends = asked + lease_seconds
            except Conflict:
                return
            except ServiceError:
                continue

    working = asyncio.ensure_future(work())
    renewing = asyncio.create_task(renew())
    try:
        await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise LeaseLost
        await working
    finally:
        working.cancel()
        renewing.cancel()
        await asyncio.gather(working, renewing, return_exceptions=True)
