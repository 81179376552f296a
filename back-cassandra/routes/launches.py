"""Launches of tools: written by the relay, read for their users."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Query

from shared.kit.auth.guards import calls_with_scope
from shared.kit.http.page_position import PagePosition, position_of
from shared.models.event import ApplyEvents, EventEnvelope, EventsApplied
from shared.models.tool import (
    LAUNCHES_PAGE_DEFAULT,
    LAUNCHES_PAGE_MAX,
    RECENT_DEFAULT,
    RECENT_MAX,
    LastLaunches,
    LaunchPage,
)


class Launches(Protocol):
    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """The ids of the events that can't be applied."""

    async def last(self, user_id: UUID, limit: int) -> LastLaunches: ...

    async def page(self, user_id: UUID, limit: int, before: PagePosition) -> LaunchPage: ...


def router(launches: Launches) -> APIRouter:
    routes = APIRouter(tags=["tool-launches"])
    reads = [calls_with_scope("launches:read")]

    @routes.post("/launches/events", dependencies=[calls_with_scope("launches:write")])
    async def apply_events(new: ApplyEvents) -> EventsApplied:
        return EventsApplied(refused=await launches.apply(new.events))

    @routes.get("/users/{user_id}/launches/last", dependencies=reads)
    async def read_last(
        user_id: UUID, limit: Annotated[int, Query(ge=1, le=RECENT_MAX)] = RECENT_DEFAULT
    ) -> LastLaunches:
        return await launches.last(user_id, limit)

    @routes.get("/users/{user_id}/launches", dependencies=reads)
    async def read_page(
        user_id: UUID,
        limit: Annotated[int, Query(ge=1, le=LAUNCHES_PAGE_MAX)] = LAUNCHES_PAGE_DEFAULT,
        before: str | None = None,
    ) -> LaunchPage:
        return await launches.page(user_id, limit, position_of(before))

    return routes
