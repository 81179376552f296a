"""Security events: recorded, and carried to the outbox."""

from typing import Annotated

from fastapi import APIRouter, Query

from pubsub import PubSub
from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import (
    SECURITY_EVENTS_PAGE_MAX,
    STREAM_ID,
    AcknowledgeSecurityEvents,
    RecordSecurityEvent,
    SecurityEventRecorded,
    SecurityEvents,
)
from stores.security_event_store import SECURITY_EVENTS, SecurityEventStore

Limit = Annotated[int, Query(ge=1, le=SECURITY_EVENTS_PAGE_MAX)]
After = Annotated[str, Query(pattern=STREAM_ID)]
Wait = Annotated[float, Query(ge=0, le=30)]


def router(events: SecurityEventStore, pubsub: PubSub) -> APIRouter:
    routes = APIRouter(prefix="/security-events")
    carries = [calls_with_scope("security-events:carry")]

    @routes.post("", status_code=201, dependencies=[calls_with_scope("security-events:record")])
    async def record_event(new: RecordSecurityEvent) -> SecurityEventRecorded:
        return await events.record(new)

    @routes.get("", dependencies=carries)
    async def read_events(
        limit: Limit = 100, after: After | None = None, wait_seconds: Wait = 0
    ) -> SecurityEvents:
        with pubsub.watched(SECURITY_EVENTS) as added:
            found = await events.read(limit, after)
            if found.items or wait_seconds == 0:
                return found
            await added(wait_seconds)
        return await events.read(limit, after)

    @routes.post("/acknowledge", status_code=204, dependencies=carries)
    async def acknowledge_events(done: AcknowledgeSecurityEvents) -> None:
        await events.acknowledge(done.ids)

    return routes
