"""Reports the outcomes of deliveries to the outbox, many in one call."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog

from delivery_handler import correlated_with, log_of
from outbox_client import OutboxClient, Outcome
from shared.kit.errors import ServiceError
from shared.kit.http.context import correlated
from shared.models.event import CompletedDelivery, Delivery, ReleasedDelivery

log = structlog.get_logger()

GATHER_SECONDS = 0.02
"""How long an outcome waits for others, so that those of all consumers go in one call."""

OUTCOMES_MAX = 500
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An outcome that is not reported yet; `until` is on the monotonic clock."""

    delivery: Delivery
    outcome: Outcome
    until: float


class OutcomeReporter:
    """Collects outcomes and reports them in the background, one call at a time.

    One that can't be reported is tried again for `lease_seconds`. Then it is lost, and its delivery
    is repeated.
    """

    def __init__(self, outbox: OutboxClient, *, lease_seconds: float) -> None:
        self._outbox = outbox
        self._lease_seconds = lease_seconds
        self._stopping = False
        self._waiting: dict[UUID, _Waiting] = {}
        self._reporting: asyncio.Task[None] | None = None

    def add(self, deliveries: Mapping[UUID, Delivery], outcomes: list[Outcome]) -> None:
        """Report outcomes soon; `deliveries` by their ids."""
        until = time.monotonic() + self._lease_seconds
        for outcome in outcomes:
            delivery = deliveries[outcome.delivery_id]
            self._waiting[outcome.delivery_id] = _Waiting(delivery, outcome, until)
        if self._waiting and (self._reporting is None or self._reporting.done()):
            self._reporting = asyncio.create_task(self._report_all())

    async def finish(self) -> None:
        """Wait until every outcome has been reported, or lost at the next failure."""
        self._stopping = True
        if self._reporting is not None:
            await self._reporting

    async def _report_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            batch = dict(list(self._waiting.items())[:OUTCOMES_MAX])
            for delivery_id in batch:
                del self._waiting[delivery_id]
            with correlated(None):
                await self._report(batch)

    async def _report(self, batch: Mapping[UUID, _Waiting]) -> None:
        try:
            lost = set(await self._outbox.settle([it.outcome for it in batch.values()]))
        except ServiceError as error:
            log.warning("outcomes_not_reported", reason=error.code, count=len(batch))
            if not self._stopping:
                await asyncio.sleep(RETRY_SECONDS)
                self._keep(batch)
            return
        for it in batch.values():
            with correlated_with(it.delivery):
                _log_settled(it.delivery, it.outcome, lost=it.delivery.delivery_id in lost)

    def _keep(self, batch: Mapping[UUID, _Waiting]) -> None:
        """Report those again that are not too old, unless the delivery has a newer outcome."""
        now = time.monotonic()
        kept = {delivery_id: it for delivery_id, it in batch.items() if it.until > now}
        self._waiting = kept | self._waiting


def _log_settled(delivery: Delivery, outcome: Outcome, *, lost: bool) -> None:
    delivery_log = log_of(delivery)
    if lost:
        delivery_log.warning("delivery_lease_lost")
    elif isinstance(outcome, CompletedDelivery):
        delivery_log.info("delivery_completed")
    elif isinstance(outcome, ReleasedDelivery):
        delivery_log.info("delivery_released")
