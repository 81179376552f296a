"""Accounts in back-postgres, failed logins in back-redis."""

from collections.abc import Sequence
from uuid import uuid4

import structlog

from shared.kit.errors import NotFound, ServiceError
from shared.kit.http.client import ServiceClient
from shared.kit.http.token_buckets import SharedTokenBuckets
from shared.models.auth import ReturnedTokens, ReturnTokens, TokenBucket, TokensTaken
from shared.models.user import CredentialAccepted, LookUpUser, Rehash, UserCredential

log = structlog.get_logger()

# A login calls back-redis three times, and only the session needs an answer: while back-redis
# hangs, the other two must not use up the time of the request.
_LIMIT_SECONDS = 1.0


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

    async def rehash(self, account: UserCredential, password_hash: str) -> None:
        await self._postgres.put(
            f"/users/{account.user.id}/credential",
            Rehash(
                credential_id=uuid4(),
                password_hash=password_hash,
                replaces=account.credential_id,
            ),
            response_model=CredentialAccepted,
        )


class RedisTokenBuckets:
    """Token buckets in back-redis, or in this process while that is down."""

    def __init__(self, redis: ServiceClient) -> None:
        self._redis = redis
        self._buckets = SharedTokenBuckets(redis, "/limits/take", timeout=_LIMIT_SECONDS)

    async def take(self, buckets: Sequence[TokenBucket]) -> TokensTaken:
        return await self._buckets.take(buckets)

    async def give_back(self, buckets: Sequence[ReturnedTokens]) -> None:
        self._buckets.local.give_back(*buckets)
        try:
            await self._redis.post(
                "/limits/refill", ReturnTokens(buckets=list(buckets)), timeout=_LIMIT_SECONDS
            )
        except ServiceError as error:
            # The buckets refill over time, and no login fails for it.
            log.warning("limit_not_given_back", limit=buckets[0].limit, reason=error.code)
