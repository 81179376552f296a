"""Deliveries, for the relay and the workers."""

from uuid import UUID

from fastapi import APIRouter, Request

from long_poll import DeliveryLongPoll
from repositories.delivery_repository import DeliveryRepository
from shared.kit.auth.guards import calls_with_scope
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


def router(deliveries: DeliveryRepository, claiming: DeliveryLongPoll) -> APIRouter:
    router = APIRouter(prefix="/deliveries", tags=["deliveries"])
    working = [calls_with_scope("deliveries:work")]

    @router.post("/claim", dependencies=working)
    async def claim(asked: ClaimDeliveries, request: Request) -> Deliveries:
        return await claiming.claim(asked, request.is_disconnected)

    @router.post("/{delivery_id}/take", dependencies=working)
    async def take(delivery_id: UUID, asked: TakeDelivery) -> Delivery:
        return await deliveries.take(delivery_id, asked)

    @router.post("/{delivery_id}/renew", status_code=204, dependencies=working)
    async def renew(delivery_id: UUID, held: HoldLease) -> None:
        await deliveries.renew(delivery_id, held)

    @router.post("/{delivery_id}/complete", status_code=204, dependencies=working)
    async def complete(delivery_id: UUID, held: CompleteDelivery) -> None:
        await deliveries.complete(delivery_id, held)

    @router.post("/{delivery_id}/fail", status_code=204, dependencies=working)
    async def fail(delivery_id: UUID, held: FailDelivery) -> None:
        await deliveries.fail(delivery_id, held)

    @router.post("/{delivery_id}/postpone", status_code=204, dependencies=working)
    async def postpone(delivery_id: UUID, held: PostponeDelivery) -> None:
        await deliveries.postpone(delivery_id, held)

    return router
