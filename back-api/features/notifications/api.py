"""`/api/notifications`, an admin's message to a user, and events that become notifications."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from features.notifications.domain import Notifications
from services.actor import Actor
from shared.kit.auth.guards import CurrentUser, calls_with_scope, user_with_permission
from shared.kit.http.idempotency import Once
from shared.kit.http.network import client_network
from shared.models.base import Line
from shared.models.event import EventEnvelope
from shared.models.notification import (
    PAGE_DEFAULT,
    PAGE_MAX,
    NotificationAccepted,
    NotificationPage,
    Notify,
    Preferences,
    ReplacePreferences,
    Unread,
)


def router(notifications: Notifications) -> APIRouter:
    """Routes over `notifications`."""
    routes = APIRouter(tags=["notifications"])

    @routes.post(
        "/api/admin/users/{user_id}/notify",
        status_code=202,
        response_model=NotificationAccepted,
        dependencies=[user_with_permission("users:notify")],
    )
    async def notify(
        user_id: UUID, body: Notify, user: CurrentUser, request: Request, once: Once
    ) -> Response:
        actor = Actor(user.id, client_network(request))
        return await once(
            user.id, lambda command_id: notifications.notify(actor, user_id, body, command_id)
        )

    @routes.get("/api/notifications")
    async def page(
        user: CurrentUser,
        *,
        unread: bool | None = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        before: Annotated[Line | None, Query(max_length=200)] = None,
    ) -> NotificationPage:
        return await notifications.page(user.id, unread=bool(unread), limit=limit, before=before)

    @routes.get("/api/notifications/unread-count")
    async def unread_count(user: CurrentUser) -> Unread:
        return await notifications.unread(user.id)

    @routes.post("/api/notifications/{notification_id}/read", status_code=204)
    async def read(notification_id: UUID, user: CurrentUser) -> None:
        await notifications.read(user.id, notification_id)

    @routes.post("/api/notifications/read-all", status_code=204)
    async def read_all(user: CurrentUser) -> None:
        await notifications.read_all(user.id)

    @routes.get("/api/notifications/preferences")
    async def preferences(user: CurrentUser) -> Preferences:
        return await notifications.preferences(user.id)

    @routes.put("/api/notifications/preferences")
    async def replace_preferences(body: ReplacePreferences, user: CurrentUser) -> Preferences:
        return await notifications.replace_preferences(user.id, body)

    @routes.post(
        "/internal/notifications/events",
        status_code=204,
        dependencies=[calls_with_scope("notifications:create")],
    )
    async def take_event(event: EventEnvelope) -> None:
        await notifications.take(event)

    return routes
