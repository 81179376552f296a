"""The client of the outbox in back-postgres, for the relay and the tasks."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from shared.kit import ServiceClient
from shared.models.event import (
    ClaimDeliveries,
    CompletedDelivery,
    CompleteDelivery,
    Deliveries,
    DeliveriesSettled,
    Delivery,
    FailDelivery,
    FailedDelivery,
    HoldLease,
    PostponedDelivery,
    PostponeDelivery,
    ReleasedDelivery,
    SettleDeliveries,
    TakeDelivery,
)

Outcome = CompletedDelivery | FailedDelivery | PostponedDelivery | ReleasedDelivery

ERROR_MAX_LENGTH = 2000

ANSWER_SECONDS = 2
"""What a long poll may take in addition to its own wait."""


class OutboxClient(Protocol):
    """Deliveries and their leases.

    Every method raises `Unavailable` or `TimedOut` when back-postgres can't be reached; those
    that need one lease raise `Conflict` once it is lost.
    """

    async def claim(
        self,
        consumers: Sequence[str],
        *,
        limit: int,
        wait_seconds: float,
        in_batches: Sequence[str] = (),
    ) -> list[Delivery]:
        """Due deliveries, at most `limit` of each consumer, oldest event first.

        A consumer of `in_batches` may get several of one aggregate, in their order. Empty when
        none came within `wait_seconds`.
        """

    async def settle(self, outcomes: Sequence[Outcome]) -> list[UUID]:
        """Report outcomes together. Answers the ids of the deliveries whose lease was lost."""

    async def take(self, delivery_id: UUID) -> Delivery:
        """Lease one delivery. Raises `NotFound`, or `Conflict` when it can't be leased."""

    async def renew(self, delivery: Delivery) -> None: ...

    async def complete(self, delivery: Delivery) -> None: ...

    async def fail(
        self,
        delivery: Delivery,
        error: str,
        *,
        final: bool = False,
        event_at_fault: bool = False,
        retry_seconds: float | None = None,
    ) -> None:
        """Count an attempt. The outbox retries with back-off, and dead-letters after the last.

        A `final` failure is a dead letter at once; `retry_seconds` replaces the back-off. Where
        the event is at fault, the failure does not count towards a pause of the consumer.
        """

    async def postpone(self, delivery: Delivery, pause_seconds: float) -> None:
        """Release it without counting an attempt, and pause its consumer."""


class HttpOutboxClient:
    """The client over HTTP; every lease lasts `lease_seconds`."""

    def __init__(self, postgres: ServiceClient, *, lease_seconds: float) -> None:
        self._postgres = postgres
        self._lease_seconds = lease_seconds

    async def claim(
        self,
        consumers: Sequence[str],
        *,
        limit: int,
        wait_seconds: float,
        in_batches: Sequence[str] = (),
    ) -> list[Delivery]:
        claim = ClaimDeliveries(
            consumers=list(consumers),
            limit=limit,
            lease_seconds=self._lease_seconds,
            wait_seconds=wait_seconds,
            in_batches=list(in_batches),
        )
        claimed = await self._postgres.post(
            "/deliveries/claim",
            claim,
            response_model=Deliveries,
            timeout=wait_seconds + ANSWER_SECONDS,
        )
        return claimed.items

    async def settle(self, outcomes: Sequence[Outcome]) -> list[UUID]:
        settle = SettleDeliveries(
            completed=[it for it in outcomes if isinstance(it, CompletedDelivery)],
            failed=[it for it in outcomes if isinstance(it, FailedDelivery)],
            postponed=[it for it in outcomes if isinstance(it, PostponedDelivery)],
            released=[it for it in outcomes if isinstance(it, ReleasedDelivery)],
        )
        settled = await self._postgres.post(
            "/deliveries/settle", settle, response_model=DeliveriesSettled, idempotent=True
        )
        return settled.lost

    async def take(self, delivery_id: UUID) -> Delivery:
        take = TakeDelivery(lease_seconds=self._lease_seconds)
        return await self._postgres.post(
            f"/deliveries/{delivery_id}/take", take, response_model=Delivery
        )

    async def renew(self, delivery: Delivery) -> None:
        hold = HoldLease(lease_token=delivery.lease_token, lease_seconds=self._lease_seconds)
        await self._change(f"/deliveries/{delivery.delivery_id}/renew", hold)

    async def complete(self, delivery: Delivery) -> None:
        complete = CompleteDelivery(lease_token=delivery.lease_token)
        await self._change(f"/deliveries/{delivery.delivery_id}/complete", complete)

    async def fail(
        self,
        delivery: Delivery,
        error: str,
        *,
        final: bool = False,
        event_at_fault: bool = False,
        retry_seconds: float | None = None,
    ) -> None:
        fail = FailDelivery(
            lease_token=delivery.lease_token,
            error=error[:ERROR_MAX_LENGTH],
            final=final,
            event_at_fault=event_at_fault,
            retry_seconds=retry_seconds,
        )
        await self._change(f"/deliveries/{delivery.delivery_id}/fail", fail)

    async def postpone(self, delivery: Delivery, pause_seconds: float) -> None:
        postpone = PostponeDelivery(lease_token=delivery.lease_token, pause_seconds=pause_seconds)
        await self._change(f"/deliveries/{delivery.delivery_id}/postpone", postpone)

    async def _change(
        self, path: str, body: HoldLease | CompleteDelivery | FailDelivery | PostponeDelivery
    ) -> None:
        await self._postgres.post(path, body, response_model=None, idempotent=True)
