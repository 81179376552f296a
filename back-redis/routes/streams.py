"""Streams as server-sent events (HTML Living Standard, section 9.2)."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from pubsub import PubSub
from shared.kit.auth.guards import calls_with_scope

StreamId = Annotated[str, Query(pattern=r"^\d{1,15}(-\d{1,15})?$")]


class EventStream(StreamingResponse):
    """A body of server-sent events that ends only when the stream or the client does."""

    media_type = "text/event-stream"


def router(pubsub: PubSub) -> APIRouter:
    routes = APIRouter(prefix="/streams", dependencies=[calls_with_scope("streams:read")])

    @routes.get("/{name}", response_class=EventStream)
    async def follow_stream(name: str, since: StreamId | None = None) -> EventStream:
        events = await pubsub.subscribe(name, since)

        async def body() -> AsyncIterator[bytes]:
            async with aclosing(events):
                async for event in events:
                    yield event.encode()

        return EventStream(body(), headers={"Cache-Control": "no-store"})

    return routes
