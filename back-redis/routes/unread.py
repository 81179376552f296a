"""Unread notifications: changed by events, counted for their user."""

from uuid import UUID

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.notification import (
    NotificationEvents,
    NotificationEventsApplied,
    UnreadCount,
    UnreadItems,
)
from stores.unread_store import UnreadStore


def router(unread: UnreadStore) -> APIRouter:
    routes = APIRouter()

    @routes.post("/unread/events", dependencies=[calls_with_scope("unread:write")])
    async def apply_events(new: NotificationEvents) -> NotificationEventsApplied:
        return NotificationEventsApplied(refused=await unread.apply(new.events))

    @routes.get("/users/{user_id}/unread", dependencies=[calls_with_scope("unread:read")])
    async def count_unread(user_id: UUID) -> UnreadCount:
        return await unread.count(user_id)

    @routes.put("/users/{user_id}/unread", dependencies=[calls_with_scope("unread:rebuild")])
    async def rebuild_unread(user_id: UUID, found: UnreadItems) -> UnreadCount:
        return await unread.rebuild(user_id, found)

    return routes
