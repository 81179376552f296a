"""Recipients, timelines and unread counts, as the data services keep them."""

from collections.abc import Sequence
from uuid import UUID

from shared.kit import ServiceClient
from shared.models.event import Command, EventEnvelope
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


class PostgresRecipients:
    """Recipients and their preferences, over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def get(self, user_id: UUID) -> Recipient:
        return await self._postgres.get(f"/users/{user_id}/recipient", response_model=Recipient)

    async def replace_preferences(self, command: Command[WritePreferences]) -> StoredPreferences:
        return await self._postgres.put(
            f"/users/{command.data.user_id}/notification-preferences",
            command,
            response_model=StoredPreferences,
        )


class CassandraTimeline:
    """Timelines over HTTP."""

    def __init__(self, cassandra: ServiceClient) -> None:
        self._cassandra = cassandra

    async def page(
        self, user_id: UUID, *, unread: bool, limit: int, before: str | None
    ) -> NotificationPage:
        asked = {"unread": "true" if unread else None, "limit": limit, "before": before}
        return await self._cassandra.get(
            f"/users/{user_id}/timeline", params=asked, response_model=NotificationPage
        )

    async def unread(self, user_id: UUID) -> UnreadItems:
        return await self._cassandra.get(
            f"/users/{user_id}/timeline/unread", response_model=UnreadItems
        )

    async def apply(self, events: Sequence[EventEnvelope]) -> None:
        await self._cassandra.post(
            "/timeline/events",
            NotificationEvents(events=list(events)),
            response_model=NotificationEventsApplied,
            idempotent=True,
        )


class RedisUnreadCounts:
    """Unread counts over HTTP."""

    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def get(self, user_id: UUID) -> UnreadCount:
        return await self._redis.get(f"/users/{user_id}/unread", response_model=UnreadCount)

    async def rebuild(self, user_id: UUID, unread: UnreadItems) -> UnreadCount:
        return await self._redis.put(f"/users/{user_id}/unread", unread, response_model=UnreadCount)

    async def apply(self, events: Sequence[EventEnvelope]) -> None:
        await self._redis.post(
            "/unread/events",
            NotificationEvents(events=list(events)),
            response_model=NotificationEventsApplied,
            idempotent=True,
        )
