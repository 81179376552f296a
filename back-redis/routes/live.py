"""Live events: published for the sockets of a user, read by a socket that reconnects."""

from uuid import UUID

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.live import (
    LiveBatchPublished,
    LiveEvents,
    LivePublished,
    PublishLive,
    PublishLiveBatch,
)
from stores.live_store import LiveStore


def router(live: LiveStore) -> APIRouter:
    routes = APIRouter()

    @routes.post("/live/events", status_code=201, dependencies=[calls_with_scope("live:write")])
    async def publish_event(new: PublishLive) -> LivePublished:
        (published,) = await live.publish([new])
        return published

    @routes.post("/live/events/batch", dependencies=[calls_with_scope("live:write")])
    async def publish_events(batch: PublishLiveBatch) -> LiveBatchPublished:
        return LiveBatchPublished(published=await live.publish(batch.events))

    @routes.get("/users/{user_id}/live-events", dependencies=[calls_with_scope("live:read")])
    async def events_since(user_id: UUID, since: UUID) -> LiveEvents:
        return await live.since(user_id, since)

    return routes
