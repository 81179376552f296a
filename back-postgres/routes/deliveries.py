"""Deliveries, for the relay and the workers."""

from uuid import UUID

from fastapi import APIRouter, Request

from long_poll import DeliveryLongPoll
from repositories.delivery_repository import DeliveryRepository
from shared.kit.auth.guards import calls_with_scope
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
    SettleDeliveries,
    TakeDelivery,
)


def router(deliveries: DeliveryRepository, claiming: DeliveryLongPoll) -> APIRouter:
    router = APIRouter(prefix="/deliveries", tags=["deliveries"])
    working = [calls_with_scope("deliveries:work")]

    @router.post("/claim", dependencies=working)
    async def claim(asked: ClaimDeliveries, request: Request) -> Deliveries:
        return await claiming.claim(asked, request.is_disconnected)

    @router.post("/settle", dependencies=working)
    async def settle(asked: SettleDeliveries) -> DeliveriesSettled:
        return await deliveries.settle(asked)

    @router.post("/{delivery_id}/take", dependencies=working)
    async def take(delivery_id: UUID, asked: TakeDelivery) -> Delivery:
        return await deliveries.take(delivery_id, asked)

    @router.post("/{delivery_id}/renew", status_code=204, dependencies=working)
    async def renew(delivery_id: UUID, held: HoldLease) -> None:
        await deliveries.renew(delivery_id, held)

    @router.post("/{delivery_id}/complete", status_code=204, dependencies=working)
    async def complete(delivery_id: UUID, held: CompleteDelivery) -> None:
        await deliveries.settle_one(CompletedDelivery(delivery_id=delivery_id, **dict(held)))

    @router.post("/{delivery_id}/fail", status_code=204, dependencies=working)
    async def fail(delivery_id: UUID, held: FailDelivery) -> None:
        await deliveries.settle_one(FailedDelivery(delivery_id=delivery_id, **dict(held)))

    @router.post("/{delivery_id}/postpone", status_code=204, dependencies=working)
    async def postpone(delivery_id: UUID, held: PostponeDelivery) -> None:
        await deliveries.settle_one(PostponedDelivery(delivery_id=delivery_id, **dict(held)))

    return router
