"""Security events in back-redis, from where the relay carries them to the outbox."""

from shared.kit.http.client import ServiceClient
from shared.models.auth import RecordSecurityEvent, SecurityEventRecorded
from shared.models.event import NewEvent


class RedisSecurityEvents:
    """`SecurityEvents` over HTTP."""

    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def record(self, event: NewEvent | None, *, once_seconds: int | None = None) -> None:
        new = RecordSecurityEvent(event=event, once_seconds=once_seconds)
        await self._redis.post(
            "/security-events", new, response_model=SecurityEventRecorded, idempotent=True
        )
