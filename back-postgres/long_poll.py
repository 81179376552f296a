"""The long poll for deliveries that are due."""

import asyncio
from collections.abc import Awaitable, Callable

from listen_notify import DeliveryNotifications
from repositories.delivery_repository import DeliveryRepository
from shared.kit.http import context
from shared.models.event import ClaimDeliveries, Deliveries

_TIME_TO_ANSWER = 0.5  # seconds of the caller's deadline that are left for the way back

HasLeft = Callable[[], Awaitable[bool]]


class DeliveryLongPoll:
    """Claims at once, or waits until there is something to claim.

    The wait ends with the time that was asked for, with the caller's deadline, when the caller
    has left, and when `stopping` is set. Without a notification it looks every `fallback` seconds.
    """

    def __init__(
        self,
        deliveries: DeliveryRepository,
        notifications: DeliveryNotifications,
        stopping: asyncio.Event,
        *,
        fallback: float,
    ) -> None:
        self._deliveries = deliveries
        self._wakeups = notifications
        self._stopping = stopping
        self._fallback = fallback

    async def claim(self, asked: ClaimDeliveries, has_left: HasLeft) -> Deliveries:
        """What was claimed; empty when nothing came in time."""
        clock = asyncio.get_running_loop().time
        end = clock() + _longest(asked.wait_seconds)
        with self._wakeups.for_consumers(asked.consumers) as woken:
            while True:
                woken.clear()
                claimed = await self._deliveries.claim(asked)
                left = end - clock()
                if claimed.items or left <= 0 or self._stopping.is_set():
                    return claimed
                await self._first_of(woken, timeout=min(left, self._fallback))
                if await has_left():
                    return claimed

    async def _first_of(self, woken: asyncio.Event, *, timeout: float) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (woken, self._stopping)]
        try:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _longest(wait_seconds: float) -> float:
    remaining = context.remaining()
    return wait_seconds if remaining is None else min(wait_seconds, remaining - _TIME_TO_ANSWER)
