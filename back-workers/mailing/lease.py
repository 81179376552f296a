import asyncio
import time
from collections.abc import Awaitable, Callable

from delivery_handler import LeaseLost
from outbox_client import Outbox
from shared.kit.errors import Conflict, ServiceError
from shared.models.event import Delivery

RENEWALS_A_LEASE = 3


async def holding(
    outbox: Outbox, delivery: Delivery, work: Callable[[], Awaitable[None]], *, lease_seconds: float
) -> None:
    """Do `work` and keep the lease alive meanwhile.

    Raises:
        LeaseLost: another worker may hold the delivery now; `work` was cancelled.
    """

    async def keep() -> None:
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
    keeping = asyncio.create_task(keep())
    try:
        await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise LeaseLost
        await working
    finally:
        working.cancel()
        keeping.cancel()
        await asyncio.gather(working, keeping, return_exceptions=True)
