"""Accounts in back-postgres, failed logins in back-redis."""

from uuid import UUID, uuid4

import structlog

from services.secret_service import secret_hash
from shared.kit.errors import NotFound, ServiceError, TimedOut, Unavailable
from shared.kit.http.client import ServiceClient
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import (
    ReturnedTokens,
    ReturnTokens,
    TakeTokens,
    TokenBucket,
    TokensTaken,
)
from shared.models.user import Credential, CredentialAccepted, LookUpUser, UserCredential

log = structlog.get_logger()

LIMIT = "failed-login"


class PostgresAccounts:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def find(self, email: str) -> UserCredential | None:
        try:
            return await self._postgres.post(
                "/credentials/lookup",
                LookUpUser(email=email),
                response_model=UserCredential,
                idempotent=True,
            )
        except NotFound:
            return None

    async def replace_hash(self, user_id: UUID, password_hash: str) -> None:
        await self._postgres.put(
            f"/users/{user_id}/credential",
            Credential(credential_id=uuid4(), password_hash=password_hash),
            response_model=CredentialAccepted,
        )


class RedisAttemptLimit:
    """A token bucket for each address: in back-redis, or in this process while that is down."""

    def __init__(self, redis: ServiceClient, *, capacity: int, window_seconds: int) -> None:
        self._redis = redis
        self._capacity = capacity
        self.window_seconds = window_seconds
        self._local = LocalTokenBuckets()

    async def take(self, email: str) -> TokensTaken:
        bucket = TokenBucket(
            limit=LIMIT,
            key=secret_hash(email),
            capacity=self._capacity,
            window_seconds=self.window_seconds,
        )
        try:
            return await self._redis.post(
                "/limits/take", TakeTokens(buckets=[bucket]), response_model=TokensTaken
            )
        except (Unavailable, TimedOut) as error:
            log.warning("limit_taken_locally", limit=LIMIT, reason=error.code)
            return self._local.take(bucket)

    async def refill(self, email: str) -> None:
        bucket = ReturnedTokens(limit=LIMIT, key=secret_hash(email))
        self._local.give_back(bucket)
        try:
            await self._redis.post("/limits/refill", ReturnTokens(buckets=[bucket]))
        except ServiceError as error:
            # The bucket refills over time; the login has succeeded.
            log.warning("limit_not_refilled", limit=LIMIT, reason=error.code)
