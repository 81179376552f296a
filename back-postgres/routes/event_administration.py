"""Deliveries for operators."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from repositories.event_administration_repository import (
    DeliveryFilter,
    EventAdministrationRepository,
)
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.kit.http.page_position import PagePosition
from shared.models.base import Instant
from shared.models.event import Command
from shared.models.event_administration import (
    DELIVERY_PAGE_DEFAULT,
    DELIVERY_PAGE_MAX,
    Backlog,
    DeliveriesReplayed,
    DeliveryPage,
    DeliveryState,
    Name,
    ReplayDeliveries,
    ShownDelivery,
)


def router(administration: EventAdministrationRepository) -> APIRouter:
    router = APIRouter(prefix="/deliveries", tags=["event-administration"])
    reading = [calls_with_scope("deliveries:read")]

    @router.get("", dependencies=reading)
    async def page(
        *,
        state: DeliveryState | None = None,
        consumer: Name | None = None,
        event_type: Name | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: Annotated[int, Query(ge=1, le=DELIVERY_PAGE_MAX)] = DELIVERY_PAGE_DEFAULT,
        before: str | None = None,
    ) -> DeliveryPage:
        wanted = DeliveryFilter(state, consumer, event_type, since, until)
        position = None if before is None else PagePosition.from_cursor(before)
        return await administration.page(wanted, limit=limit, before=position)

    @router.get("/backlog", dependencies=reading)
    async def backlog() -> Backlog:
        return await administration.backlog()

    @router.get("/{delivery_id}", dependencies=reading)
    async def show(delivery_id: UUID) -> ShownDelivery:
        return await administration.show(delivery_id)

    @router.post(
        "/replay",
        status_code=202,
        response_model=DeliveriesReplayed,
        dependencies=[calls_with_scope("deliveries:replay")],
    )
    async def replay(command: Command[ReplayDeliveries]) -> Response:
        return as_response(await administration.replay(command))

    return router
