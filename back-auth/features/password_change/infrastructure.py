"""Password hashes in back-postgres, generations of sessions in back-redis."""

from uuid import UUID

from features.email_auth.infrastructure import PostgresAccounts
from features.sessions.infrastructure import PostgresUsers
from shared.kit.http.client import ServiceClient
from shared.models.auth import RevokeGenerations
from shared.models.event import Command
from shared.models.user import ReplacePassword, User, UserCredential


class PostgresPasswords:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres
        self._users = PostgresUsers(postgres)
        self._accounts = PostgresAccounts(postgres)

    async def of_user(self, user_id: UUID) -> UserCredential | None:
        return await self._accounts.find((await self._users.get(user_id)).email)

    async def replace(self, user_id: UUID, command: Command[ReplacePassword]) -> User:
        return await self._postgres.put(f"/users/{user_id}/password", command, response_model=User)


class RedisGenerations:
    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis

    async def revoke(self, revoked: RevokeGenerations) -> None:
        await self._redis.post("/revocations", revoked, response_model=None, idempotent=True)
