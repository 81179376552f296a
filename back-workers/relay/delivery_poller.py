import asyncio
import random
import time

import structlog

from delivery_handler import handle_delivery
from outbox_client import OutboxClient
from relay.consumers import Consumer
from settings import Settings
from shared.kit.errors import ServiceError
from shared.models.event import Delivery

log = structlog.get_logger()

LAST_CLAIM_SECONDS = 0.25
"""How long a stop waits for the answer of a claim that is under way."""

FALLBACK_MAX_SECONDS = 4
FALLBACKS_COUNTED = 10


class DeliveryPoller:
    """Claims the deliveries of one consumer and handles several of them at a time.

    Each consumer has its own poller, so that a slow one can't block another.
    """

    def __init__(self, outbox: OutboxClient, consumer: Consumer, settings: Settings) -> None:
        self._outbox = outbox
        self._consumer = consumer
        self._settings = settings
        self._at_once = settings.deliveries_at_once
        self._failures = 0
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll until `stopping`; then finish the deliveries under way, or release them."""
        stopped = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            if len(self._under_way) >= self._at_once:
                await asyncio.wait({*self._under_way, stopped}, return_when=asyncio.FIRST_COMPLETED)
                continue
            for delivery in await self._claimed_before(stopped):
                handling = asyncio.create_task(self._handle(delivery))
                self._under_way.add(handling)
                handling.add_done_callback(self._under_way.discard)
        await self._finish()

    async def _claimed_before(self, stopped: asyncio.Task[bool]) -> list[Delivery]:
        claiming = asyncio.create_task(self._claim())
        await asyncio.wait({claiming, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            await asyncio.wait({claiming}, timeout=LAST_CLAIM_SECONDS)
            claiming.cancel()
        try:
            return await claiming
        except asyncio.CancelledError:
            return []

    async def _claim(self) -> list[Delivery]:
        """The next deliveries. An empty answer or an error is followed by a pause."""
        began = time.monotonic()
        try:
            claimed = await self._outbox.claim(
                self._consumer.name,
                limit=self._at_once - len(self._under_way),
                wait_seconds=self._settings.claim_wait_seconds,
            )
        except ServiceError as error:
            await self._back_off(error)
            return []
        self._failures = 0
        if not claimed:
            rest = began + self._settings.claim_fallback_seconds - time.monotonic()
            await asyncio.sleep(max(0, rest))
        return claimed

    async def _back_off(self, error: ServiceError) -> None:
        fallback = self._settings.claim_fallback_seconds
        pause = min(fallback * 2**self._failures, FALLBACK_MAX_SECONDS)
        if self._failures == 0:
            log.warning("claim_failed", consumer=self._consumer.name, reason=error.code)
        self._failures = min(self._failures + 1, FALLBACKS_COUNTED)
        await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  (jitter)

    async def _handle(self, delivery: Delivery) -> None:
        await handle_delivery(
            self._outbox,
            delivery,
            self._consumer.effect,
            seconds=self._settings.lease_seconds * 0.75,
            pause_seconds=self._settings.pause_seconds,
            postpone_max_seconds=self._settings.postpone_max_seconds,
            completes=self._consumer.completes,
        )

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._settings.stop_seconds)
        for handling in self._under_way:
            handling.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
