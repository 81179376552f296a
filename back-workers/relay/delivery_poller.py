import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

import structlog

from outbox_client import OutboxClient
from relay.claim_pace import ClaimPace
from relay.consumers import Consumer, InBatches
from relay.delivery_batch import DeliveryBatch, released
from relay.outcome_reporter import OutcomeReporter
from settings import Settings
from shared.kit.errors import ServiceError
from shared.kit.http.context import correlated
from shared.models.event import Delivery

log = structlog.get_logger()

LAST_CLAIM_SECONDS = 0.25
"""How long a stop waits for the answer of a claim that is under way."""

BUSY_WAIT_SECONDS = 0.1
"""How long a claim waits that leaves out a consumer: it is asked for again soon."""

FALLBACK_MAX_SECONDS = 4
FALLBACKS_COUNTED = 10


class DeliveryPoller:
    """Claims the deliveries of all consumers in one call, and delivers those of each side by side.

    A consumer with `deliveries_at_once` under way is left out of the claims, so that a slow one
    can't block another; so is for a moment a consumer that is patient.
    """

    def __init__(
        self, outbox: OutboxClient, consumers: Sequence[Consumer], settings: Settings
    ) -> None:
        self._outbox = outbox
        self._consumers = {consumer.name: consumer for consumer in consumers}
        self._in_batches = [it.name for it in consumers if isinstance(it.handover, InBatches)]
        self._settings = settings
        self._patient = {it.name for it in consumers if it.is_patient}
        self._pace = ClaimPace(
            self._patient,
            gather_seconds=settings.gather_seconds,
            at_once=settings.deliveries_at_once,
        )
        self._reporter = OutcomeReporter(outbox, lease_seconds=settings.lease_seconds)
        self._failures = 0
        self._under_way: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Poll until `stopping`; then finish the deliveries under way, or release them."""
        stopped = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            free = [name for name in self._consumers if self._under_way[name] < self._at_once]
            if not free:
                await asyncio.wait({*self._tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
                continue
            began = time.monotonic()
            claimed = await self._claimed_before(stopped, free)
            rest = began + self._pace.rest_after(self._start(claimed)) - time.monotonic()
            if rest > 0:
                await asyncio.wait({stopped}, timeout=rest)
        await self._finish()

    @property
    def _at_once(self) -> int:
        return self._settings.deliveries_at_once

    def _start(self, claimed: Sequence[Delivery]) -> dict[str, int]:
        """Deliver what was claimed; how many deliveries each consumer got."""
        batches: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in claimed:
            batches[delivery.consumer].append(delivery)
        for name, batch in batches.items():
            self._under_way[name] += len(batch)
            task = asyncio.create_task(self._deliver(self._consumers[name], batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return {name: len(batch) for name, batch in batches.items()}

    async def _claimed_before(
        self, stopped: asyncio.Task[bool], free: Sequence[str]
    ) -> list[Delivery]:
        claiming = asyncio.create_task(self._claim(free))
        await asyncio.wait({claiming, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            await asyncio.wait({claiming}, timeout=LAST_CLAIM_SECONDS)
            claiming.cancel()
        try:
            return await claiming
        except asyncio.CancelledError:
            return []

    async def _claim(self, free: Sequence[str]) -> list[Delivery]:
        """The next deliveries. An empty answer or an error is followed by a pause."""
        began = time.monotonic()
        wait, fallback = self._settings.claim_wait_seconds, self._settings.claim_fallback_seconds
        if len(free) < len(self._consumers):
            wait = fallback = min(BUSY_WAIT_SECONDS, wait)
        left_out = self._pace.patient_left_out()
        if left_out and (prompt := [name for name in free if name not in self._patient]):
            free, wait, fallback = prompt, min(left_out, wait), min(left_out, fallback)
        try:
            with correlated(None):
                claimed = await self._outbox.claim(
                    free, limit=self._at_once, wait_seconds=wait, in_batches=self._in_batches
                )
        except ServiceError as error:
            await self._back_off(error)
            return []
        self._failures = 0
        if not claimed:
            await asyncio.sleep(max(0, began + fallback - time.monotonic()))
        return claimed

    async def _back_off(self, error: ServiceError) -> None:
        fallback = self._settings.claim_fallback_seconds
        pause = min(fallback * 2**self._failures, FALLBACK_MAX_SECONDS)
        if self._failures == 0:
            log.warning("claim_failed", reason=error.code)
        self._failures = min(self._failures + 1, FALLBACKS_COUNTED)
        await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311  (jitter)

    async def _deliver(self, consumer: Consumer, deliveries: Sequence[Delivery]) -> None:
        batch = DeliveryBatch(
            consumer,
            deliveries,
            self._settings.postpone_policy(),
            seconds=self._settings.lease_seconds * 0.75,
        )
        by_id = {delivery.delivery_id: delivery for delivery in deliveries}
        try:
            self._reporter.add(by_id, await batch.deliver())
        except asyncio.CancelledError:
            self._reporter.add(by_id, [released(delivery) for delivery in deliveries])
            raise
        finally:
            self._under_way[consumer.name] -= len(deliveries)

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._settings.stop_seconds)
        for delivering in self._tasks:
            delivering.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._reporter.finish()
