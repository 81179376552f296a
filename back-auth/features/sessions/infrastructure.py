"""Sessions in back-redis, users in back-postgres."""

from uuid import UUID

from shared.kit.http.client import ServiceClient
from shared.models.auth import (
    NewSession,
    RevokeSession,
    RotatedSession,
    RotateSession,
    Session,
    Sessions,
)
from shared.models.event import NewEvent
from shared.models.user import User


class RedisSessions:
    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def open(self, new: NewSession) -> Session:
        return await self._redis.post("/sessions", new, response_model=Session, idempotent=True)

    async def get(self, sid: UUID) -> Session:
        return await self._redis.get(f"/sessions/{sid}", response_model=Session)

    async def of_user(self, user_id: UUID) -> list[Session]:
        found = await self._redis.get(f"/users/{user_id}/sessions", response_model=Sessions)
        return found.items

    async def rotate(self, sid: UUID, rotation: RotateSession) -> RotatedSession:
        return await self._redis.post(
            f"/sessions/{sid}/rotate", rotation, response_model=RotatedSession, idempotent=True
        )

    async def revoke(self, sid: UUID, event: NewEvent | None = None) -> None:
        revocation = RevokeSession(event=event)
        await self._redis.post(
            f"/sessions/{sid}/revoke", revocation, response_model=None, idempotent=True
        )


class PostgresUsers:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def get(self, user_id: UUID) -> User:
        return await self._postgres.get(f"/users/{user_id}", response_model=User)
