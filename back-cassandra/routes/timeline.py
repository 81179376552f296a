"""Timelines: written by the relay and by back-api, read for their users."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Query

from shared.kit.auth.guards import calls_with_scope
from shared.kit.http.page_position import PagePosition, position_of
from shared.models.base import Instant
from shared.models.event import EventEnvelope
from shared.models.notification import (
    PAGE_DEFAULT,
    PAGE_MAX,
    NotificationEvents,
    NotificationEventsApplied,
    NotificationPage,
    UnreadItems,
)


class Timeline(Protocol):
    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """The ids of the events that can't be applied."""

    async def page(
        self,
        *,
        user_id: UUID,
        unread: bool,
        limit: int,
        before: PagePosition,
        since: datetime | None = None,
    ) -> NotificationPage: ...

    async def unread(self, user_id: UUID) -> UnreadItems: ...


def router(timeline: Timeline) -> APIRouter:
    routes = APIRouter(tags=["notifications"])
    reads = [calls_with_scope("timeline:read")]

    @routes.post("/timeline/events", dependencies=[calls_with_scope("timeline:write")])
    async def apply_events(new: NotificationEvents) -> NotificationEventsApplied:
        return NotificationEventsApplied(refused=await timeline.apply(new.events))

    @routes.get("/users/{user_id}/timeline", dependencies=reads)
    async def read_timeline(
        user_id: UUID,
        *,
        since: Instant | None = None,
        until: Instant | None = None,
        unread: bool | None = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        before: str | None = None,
    ) -> NotificationPage:
        position = position_of(before)
        if until is not None and before is None:
            position = PagePosition.after(until, UUID(int=0))
        return await timeline.page(
            user_id=user_id, unread=bool(unread), limit=limit, before=position, since=since
        )

    @routes.get("/users/{user_id}/timeline/unread", dependencies=reads)
    async def read_unread(user_id: UUID) -> UnreadItems:
        return await timeline.unread(user_id)

    return routes
