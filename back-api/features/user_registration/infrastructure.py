"""Rate limits for registrations from one network address."""

import structlog

from shared.kit import ServiceClient
from shared.kit.errors import TimedOut, TooManyRequests, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import TakeTokens, TokenBucket, TokensTaken

log = structlog.get_logger()

_HOUR = 3600  # seconds


class NoLimit:
    """No limit, for development."""

    async def take(self, address: str) -> None:
        """Allow the registration."""


class RedisLimit:
    """A token bucket for each address: in back-redis, or in this process while that is down."""

    def __init__(self, redis: ServiceClient, *, per_hour: int) -> None:
        self._redis = redis
        self._per_hour = per_hour
        self._local = LocalTokenBuckets()

    async def take(self, address: str) -> None:
        bucket = TokenBucket(
            limit="registration", key=address, capacity=self._per_hour, window_seconds=_HOUR
        )
        try:
            taken = await self._redis.post(
                "/limits/take", TakeTokens(buckets=[bucket]), response_model=TokensTaken
            )
        except (Unavailable, TimedOut):
            log.warning("limit_local", limit="registration")
            taken = self._local.take(bucket)
        if not taken.allowed:
            raise TooManyRequests(
                "Too many registrations from this address.", retry_after=taken.retry_after
            )
