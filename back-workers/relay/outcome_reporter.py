"""Reports the outcomes of deliveries to the outbox, many in one call."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import structlog

from outbox_client import OutboxClient, Outcome
from shared.kit.errors import ServiceError
from shared.kit.http.context import correlated
from shared.models.event import CompletedDelivery, Delivery, ReleasedDelivery

log = structlog.get_logger()

GATHER_SECONDS = 0.02
"""How long an outcome waits for others, so that those of all consumers go in one call."""

OUTCOMES_MAX = 500


class OutcomeReporter:
    """Collects outcomes and reports them in the background, one call at a time.

    An outcome that can't be reported is lost: its delivery is repeated after its lease.
    """

    def __init__(self, outbox: OutboxClient) -> None:
        self._outbox = outbox
        self._waiting: dict[UUID, tuple[Delivery, Outcome]] = {}
        self._reporting: asyncio.Task[None] | None = None

    def add(self, deliveries: Mapping[UUID, Delivery], outcomes: list[Outcome]) -> None:
        """Report outcomes soon; `deliveries` by their ids."""
        for outcome in outcomes:
            self._waiting[outcome.delivery_id] = deliveries[outcome.delivery_id], outcome
        if self._waiting and self._reporting is None:
            self._reporting = asyncio.create_task(self._report_all())
            self._reporting.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Wait until every outcome has been reported or lost."""
        while self._reporting is not None:
            await asyncio.wait({self._reporting})

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._reporting = None

    async def _report_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            batch = dict(list(self._waiting.items())[:OUTCOMES_MAX])
            for delivery_id in batch:
                del self._waiting[delivery_id]
            with correlated(None):
                await self._report(batch)

    async def _report(self, batch: Mapping[UUID, tuple[Delivery, Outcome]]) -> None:
        try:
            lost = set(await self._outbox.settle([outcome for _, outcome in batch.values()]))
        except ServiceError as error:
            log.warning("outcomes_not_reported", reason=error.code, count=len(batch))
            return
        for delivery, outcome in batch.values():
            with correlated(delivery.envelope.correlation_id, traceparent=delivery.traceparent):
                _log_settled(delivery, outcome, lost=delivery.delivery_id in lost)


def _log_settled(delivery: Delivery, outcome: Outcome, *, lost: bool) -> None:
    ids = {
        "consumer": delivery.consumer,
        "delivery_id": str(delivery.delivery_id),
        "event_id": str(delivery.envelope.event_id),
        "event_type": delivery.envelope.event_type,
        "attempts": delivery.attempts,
    }
    if lost:
        log.warning("delivery_lease_lost", **ids)
    elif isinstance(outcome, CompletedDelivery):
        log.info("delivery_completed", **ids)
    elif isinstance(outcome, ReleasedDelivery):
        log.info("delivery_released", **ids)
