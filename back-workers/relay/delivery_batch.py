"""Delivers a batch of one consumer and judges the outcome of each delivery."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import structlog

from delivery_handler import Effect, correlated_with, may_be_postponed, outcome_of_error
from outbox_client import Outcome
from relay.consumers import Consumer, InBatches, Notified, OneByOne
from settings import PostponePolicy
from shared.kit.http.context import correlated
from shared.models.event import CompletedDelivery, Delivery, FailedDelivery, ReleasedDelivery

log = structlog.get_logger()

FAILURES_IN_A_ROW = 5
"""Deliveries sent one by one that failed: the rest of the batch is released untried."""


class DeliveryBatch:
    """The deliveries of one claim for one consumer, in the order of their events.

    It has `seconds` for all of them.
    """

    def __init__(
        self,
        consumer: Consumer,
        deliveries: Sequence[Delivery],
        policy: PostponePolicy,
        *,
        seconds: float,
    ) -> None:
        self._consumer = consumer
        self._deliveries = deliveries
        self._policy = policy
        self._seconds = seconds

    async def deliver(self) -> list[Outcome]:
        """The outcomes; none for deliveries that a worker was notified of."""
        alone = len(self._deliveries) == 1
        with correlated_with(self._deliveries[0]) if alone else correlated(None):
            match self._consumer.handover:
                case Notified() as notified:
                    return await self._notify(notified)
                case InBatches() as in_batches:
                    return await self._together(in_batches)
                case OneByOne(effect):
                    return await self._one_by_one(effect, self._seconds)

    async def _notify(self, notified: Notified) -> list[Outcome]:
        wanted = [delivery for delivery in self._deliveries if notified.wanted(delivery)]
        outcomes = [completed(it) for it in self._deliveries if not notified.wanted(it)]
        if not wanted:
            return outcomes
        try:
            async with asyncio.timeout(self._seconds):
                await notified.notify(wanted)
        except Exception as error:  # noqa: BLE001  (no error may stop other deliveries)
            return [*outcomes, *(self._failed(delivery, error) for delivery in wanted)]
        for delivery in wanted:
            with correlated_with(delivery):
                log.info("delivery_notified", delivery_id=str(delivery.delivery_id))
        return outcomes

    async def _together(self, handover: InBatches) -> list[Outcome]:
        ends = time.monotonic() + self._seconds
        try:
            async with asyncio.timeout(self._seconds):
                failures = await handover.batch_effect(self._deliveries)
        except Exception as error:  # noqa: BLE001  (no error may stop other deliveries)
            if may_be_postponed(error):
                return self._all_failed(error)
            log.warning("batch_failed", consumer=self._consumer.name, size=len(self._deliveries))
            return await self._one_by_one(handover.effect, ends - time.monotonic())
        return [
            self._failed(delivery, failures[delivery.delivery_id])
            if delivery.delivery_id in failures
            else completed(delivery)
            for delivery in self._deliveries
        ]

    async def _one_by_one(self, effect: Effect, seconds: float) -> list[Outcome]:
        """Deliver one after the other, so that one event that can't be delivered costs no other.

        After a failure the later ones of the same aggregate are released: they wait for its retry.
        """
        ends = time.monotonic() + seconds
        outcomes: list[Outcome] = []
        waiting: set[UUID | None] = set()
        in_a_row = 0
        for number, delivery in enumerate(self._deliveries):
            left = ends - time.monotonic()
            if left <= 0 or in_a_row == FAILURES_IN_A_ROW:
                return [*outcomes, *map(released, self._deliveries[number:])]
            if delivery.aggregate_id in waiting:
                outcomes.append(released(delivery))
                continue
            try:
                with correlated_with(delivery):
                    async with asyncio.timeout(left):
                        await effect(delivery)
            except Exception as error:  # noqa: BLE001  (no error may stop other deliveries)
                outcome = self._failed(delivery, error)
                outcomes.append(outcome)
                if not isinstance(outcome, FailedDelivery):
                    return [*outcomes, *map(released, self._deliveries[number + 1 :])]
                in_a_row += not outcome.event_at_fault
                if not outcome.final:
                    waiting.add(delivery.aggregate_id)
            else:
                in_a_row = 0
                outcomes.append(completed(delivery))
        return outcomes

    def _all_failed(self, error: Exception) -> list[Outcome]:
        return [self._failed(delivery, error) for delivery in self._deliveries]

    def _failed(self, delivery: Delivery, error: Exception) -> Outcome:
        with correlated_with(delivery):
            return outcome_of_error(delivery, error, self._policy)


def completed(delivery: Delivery) -> Outcome:
    """The outcome of a delivery whose effect happened."""
    return CompletedDelivery(delivery_id=delivery.delivery_id, lease_token=delivery.lease_token)


def released(delivery: Delivery) -> Outcome:
    """The outcome of a delivery that was not tried."""
    return ReleasedDelivery(delivery_id=delivery.delivery_id, lease_token=delivery.lease_token)
