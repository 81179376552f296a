"""The state of sessions, as back-redis keeps it."""

from uuid import UUID

from shared.kit import ServiceClient
from shared.models.auth import Session


class RedisSessionStates:
    """`SessionStates` over HTTP."""

    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def get(self, sid: UUID) -> Session:
        return await self._redis.get(f"/sessions/{sid}", response_model=Session)
