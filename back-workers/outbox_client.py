"""The outbox of back-postgres, as the relay and the tasks see it."""

from typing import Protocol
from uuid import UUID

from shared.kit import ServiceClient
from shared.models.event import (
    ClaimDeliveries,
    CompleteDelivery,
    Deliveries,
    Delivery,
    FailDelivery,
    HoldLease,
    PostponeDelivery,
    TakeDelivery,
)

ERROR_MAX_LENGTH = 2000

ANSWER_SECONDS = 2
"""What a long poll may take beyond its own wait."""


class Outbox(Protocol):
    """Deliveries and their leases. Every method raises `Unavailable` or `TimedOut` when the
    outbox is out of reach; what needs a lease raises `Conflict` once it is lost.
    """

    async def claim(self, consumer: str, *, limit: int, wait_seconds: float) -> list[Delivery]:
        """Deliveries that are due, oldest first; empty when none came within `wait_seconds`."""

    async def take(self, delivery_id: UUID) -> Delivery:
        """Lease one delivery. Raises `NotFound`, or `Conflict` when it is not to be had."""

    async def renew(self, delivery: Delivery) -> None: ...

    async def complete(self, delivery: Delivery) -> None: ...

    async def fail(self, delivery: Delivery, error: str) -> None:
        """Spend an attempt; the outbox backs off, and buries the delivery at the last one."""

    async def postpone(self, delivery: Delivery, pause_seconds: float) -> None:
        """Give it back unspent and let its consumer rest."""


class ServiceOutbox:
    """The outbox over HTTP; every lease lasts `lease_seconds`."""

    def __init__(self, postgres: ServiceClient, *, lease_seconds: float) -> None:
        self._postgres = postgres
        self._lease_seconds = lease_seconds

    async def claim(self, consumer: str, *, limit: int, wait_seconds: float) -> list[Delivery]:
        claim = ClaimDeliveries(
            consumers=[consumer],
            limit=limit,
            lease_seconds=self._lease_seconds,
            wait_seconds=wait_seconds,
        )
        claimed = await self._postgres.post(
            "/deliveries/claim",
            claim,
            response_model=Deliveries,
            timeout=wait_seconds + ANSWER_SECONDS,
        )
        return claimed.items

    async def take(self, delivery_id: UUID) -> Delivery:
        take = TakeDelivery(lease_seconds=self._lease_seconds)
        return await self._postgres.post(
            f"/deliveries/{delivery_id}/take", take, response_model=Delivery
        )

    async def renew(self, delivery: Delivery) -> None:
        hold = HoldLease(lease_token=delivery.lease_token, lease_seconds=self._lease_seconds)
        await self._change(delivery, "renew", hold)

    async def complete(self, delivery: Delivery) -> None:
        await self._change(delivery, "complete", CompleteDelivery(lease_token=delivery.lease_token))

    async def fail(self, delivery: Delivery, error: str) -> None:
        fail = FailDelivery(lease_token=delivery.lease_token, error=error[:ERROR_MAX_LENGTH])
        await self._change(delivery, "fail", fail)

    async def postpone(self, delivery: Delivery, pause_seconds: float) -> None:
        postpone = PostponeDelivery(lease_token=delivery.lease_token, pause_seconds=pause_seconds)
        await self._change(delivery, "postpone", postpone)

    async def _change(
        self,
        delivery: Delivery,
        verb: str,
        body: HoldLease | CompleteDelivery | FailDelivery | PostponeDelivery,
    ) -> None:
        path = f"/deliveries/{delivery.delivery_id}/{verb}"
        await self._postgres.post(path, body, response_model=None, idempotent=True)
