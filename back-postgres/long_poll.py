"""The long poll for deliveries that are due."""

import asyncio
from collections.abc import Awaitable, Callable

from listen_notify import DeliveryNotifications
from repositories.delivery_repository import DeliveryRepository
from shared.kit.http import context
from shared.models.event import ClaimDeliveries, Deliveries

_RESPONSE_SECONDS = 0.5  # of the caller's deadline, kept for the response

HasLeft = Callable[[], Awaitable[bool]]


class DeliveryLongPoll:
    """Claims due deliveries, or waits for some.

    The wait ends after the requested time, at the caller's deadline, when the caller disconnects,
    and when `stopping` is set. Without a notification it polls every `fallback` seconds.
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
        self._notifications = notifications
        self._stopping = stopping
        self._fallback = fallback

    async def claim(self, asked: ClaimDeliveries, has_left: HasLeft) -> Deliveries:
        """The claimed deliveries; empty when none became due in time."""
        clock = asyncio.get_running_loop().time
        end = clock() + _longest(asked.wait_seconds)
        claimed = await self._deliveries.claim(asked)
        if claimed.items or clock() >= end or self._stopping.is_set():
            return claimed
        with self._notifications.for_consumers(asked.consumers) as notified:
            async with self._notifications.requested():
                return await self._wait(asked, notified, end, has_left)

    async def _wait(
        self, asked: ClaimDeliveries, notified: asyncio.Event, end: float, has_left: HasLeft
    ) -> Deliveries:
        clock = asyncio.get_running_loop().time
        while True:
            notified.clear()
            claimed = await self._deliveries.claim(asked)
            left = end - clock()
            if claimed.items or left <= 0 or self._stopping.is_set():
                return claimed
            await self._first_of(notified, timeout=min(left, self._fallback))
            if await has_left():
                return claimed

    async def _first_of(self, notified: asyncio.Event, *, timeout: float) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (notified, self._stopping)]
        try:
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _longest(wait_seconds: float) -> float:
    remaining = context.remaining()
    return wait_seconds if remaining is None else min(wait_seconds, remaining - _RESPONSE_SECONDS)
