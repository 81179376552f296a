"""Launches of tools: written by the relay, read for their users."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Query

from shared.kit.auth.guards import calls_with_scope
from shared.models.event import ApplyEvents, EventEnvelope, EventsApplied
from shared.models.tool import (
    RECENT_DEFAULT,
    RECENT_MAX,
    LastLaunches,
)


class Launches(Protocol):
    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """The ids of the events that can't be applied."""

    async def last(self, user_id: UUID, limit: int) -> LastLaunches: ...


def router(launches: Launches) -> APIRouter:
    routes = APIRouter(tags=["tool-launches"])

    @routes.post("/launches/events", dependencies=[calls_with_scope("launches:write")])
    async def apply_events(new: ApplyEvents) -> EventsApplied:
        return EventsApplied(refused=await launches.apply(new.events))

    @routes.get("/users/{user_id}/launches/last", dependencies=[calls_with_scope("launches:read")])
    async def read_last(
        user_id: UUID, limit: Annotated[int, Query(ge=1, le=RECENT_MAX)] = RECENT_DEFAULT
    ) -> LastLaunches:
        return await launches.last(user_id, limit)

    return routes
