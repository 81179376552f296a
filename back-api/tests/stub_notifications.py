"""What back-api calls of three services for notifications, over the fakes."""

from uuid import UUID

from fakes import FakeRecipients, FakeTimeline, FakeUnreadCounts
from fastapi import FastAPI

from shared.models.event import Command
from shared.models.notification import (
    NotificationEvents,
    NotificationEventsApplied,
    NotificationPage,
    Recipient,
    StoredPreferences,
    UnreadCount,
    UnreadItems,
    WritePreferences,
)


def add_recipients(app: FastAPI, recipients: FakeRecipients) -> None:
    @app.get("/users/{user_id}/recipient")
    async def read(user_id: UUID) -> Recipient:
        return await recipients.get(user_id)

    @app.put("/users/{user_id}/notification-preferences")
    async def replace(user_id: UUID, body: Command[WritePreferences]) -> StoredPreferences:
        assert body.data.user_id == user_id
        return await recipients.replace_preferences(body)


def add_timeline(app: FastAPI, timeline: FakeTimeline) -> None:
    @app.post("/timeline/events")
    async def apply(body: NotificationEvents) -> NotificationEventsApplied:
        await timeline.apply(body.events)
        return NotificationEventsApplied(refused=[])

    @app.get("/users/{user_id}/timeline")
    async def page(
        user_id: UUID, limit: int, *, unread: bool = False, before: str | None = None
    ) -> NotificationPage:
        return await timeline.page(user_id, unread=unread, limit=limit, before=before)

    @app.get("/users/{user_id}/timeline/unread")
    async def unread_items(user_id: UUID) -> UnreadItems:
        return await timeline.unread(user_id)


def add_unread(app: FastAPI, counts: FakeUnreadCounts) -> None:
    @app.post("/unread/events")
    async def apply(body: NotificationEvents) -> NotificationEventsApplied:
        await counts.apply(body.events)
        return NotificationEventsApplied(refused=[])

    @app.get("/users/{user_id}/unread")
    async def count(user_id: UUID) -> UnreadCount:
        return await counts.get(user_id)

    @app.put("/users/{user_id}/unread")
    async def rebuild(user_id: UUID, body: UnreadItems) -> UnreadCount:
        return await counts.rebuild(user_id, body)
