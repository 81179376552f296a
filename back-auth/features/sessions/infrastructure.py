"""Sessions in back-redis, users in back-postgres."""

from uuid import UUID

from shared.kit.http.client import ServiceClient
from shared.models.auth import NewSession, RotateSession, Session
from shared.models.user import User


class RedisSessions:
    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def open(self, sid: UUID, user_id: UUID, refresh_hash: str, *, expires_in: int) -> None:
        new = NewSession(sid=sid, user_id=user_id, refresh_hash=refresh_hash, expires_in=expires_in)
        await self._redis.post("/sessions", new, response_model=Session, idempotent=True)

    async def get(self, sid: UUID) -> Session:
        return await self._redis.get(f"/sessions/{sid}", response_model=Session)

    async def rotate(
        self, sid: UUID, presented_hash: str, next_hash: str, *, expires_in: int
    ) -> Session:
        rotation = RotateSession(
            presented_hash=presented_hash, next_hash=next_hash, expires_in=expires_in
        )
        return await self._redis.post(
            f"/sessions/{sid}/rotate", rotation, response_model=Session, idempotent=True
        )

    async def revoke(self, sid: UUID) -> None:
        await self._redis.post(f"/sessions/{sid}/revoke", response_model=None, idempotent=True)


class PostgresUsers:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def get(self, user_id: UUID) -> User:
        return await self._postgres.get(f"/users/{user_id}", response_model=User)
