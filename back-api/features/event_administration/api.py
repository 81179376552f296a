"""`/api/admin/events`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from features.event_administration.domain import EventAdministration, Wanted
from services.actor import Actor
from shared.kit.auth.guards import CurrentUser, user_with_permission
from shared.kit.http.idempotency import Once
from shared.kit.http.network import client_network
from shared.models.base import Instant, Line
from shared.models.event_administration import (
    DELIVERY_PAGE_DEFAULT,
    DELIVERY_PAGE_MAX,
    Backlog,
    DeliveriesReplayed,
    DeliveryPage,
    DeliveryState,
    Name,
    ReplayFilter,
    ShownDelivery,
)


def router(administration: EventAdministration) -> APIRouter:
    """Routes over `administration`."""
    routes = APIRouter(prefix="/api/admin/events", tags=["event-administration"])
    reading = [user_with_permission("events:read")]
    replaying = [user_with_permission("events:replay")]

    @routes.get("", dependencies=reading)
    async def page(
        *,
        state: DeliveryState | None = None,
        consumer: Name | None = None,
        event_type: Annotated[Name | None, Query(alias="type")] = None,
        since: Instant | None = None,
        until: Instant | None = None,
        limit: Annotated[int, Query(ge=1, le=DELIVERY_PAGE_MAX)] = DELIVERY_PAGE_DEFAULT,
        before: Annotated[Line | None, Query(max_length=200)] = None,
    ) -> DeliveryPage:
        wanted = Wanted(state, consumer, event_type, since, until)
        return await administration.page(wanted, limit, before)

    @routes.get("/backlog", dependencies=reading)
    async def backlog() -> Backlog:
        return await administration.backlog()

    @routes.get("/{delivery_id}", dependencies=reading)
    async def show(delivery_id: UUID) -> ShownDelivery:
        return await administration.get(delivery_id)

    @routes.post(
        "/replay", status_code=202, response_model=DeliveriesReplayed, dependencies=replaying
    )
    async def replay_all(
        body: ReplayFilter, user: CurrentUser, request: Request, once: Once
    ) -> Response:
        actor = Actor(user.id, client_network(request))
        return await once(
            user.id, lambda command_id: administration.replay_all(actor, body, command_id)
        )

    @routes.post(
        "/{delivery_id}/replay",
        status_code=202,
        response_model=DeliveriesReplayed,
        dependencies=replaying,
    )
    async def replay(
        delivery_id: UUID, user: CurrentUser, request: Request, once: Once
    ) -> Response:
        actor = Actor(user.id, client_network(request))
        return await once(
            user.id, lambda command_id: administration.replay(actor, delivery_id, command_id)
        )

    return routes
