"""Rate limits for registrations from one network address."""

import structlog

from shared.kit import ServiceClient
from shared.kit.errors import TimedOut, TooManyRequests, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import TakeToken, TokenTaken

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
        self._local = LocalTokenBuckets(per_hour, _HOUR)

    async def take(self, address: str) -> None:
        token = TakeToken(
            limit="registration", key=address, capacity=self._per_hour, window_seconds=_HOUR
        )
        try:
            taken = await self._redis.post("/limits/take", token, response_model=TokenTaken)
            wait = 0.0 if taken.allowed else taken.retry_after
        except (Unavailable, TimedOut):
            log.warning("limit_local", limit="registration")
            wait = self._local.take(address)
        if wait:
            raise TooManyRequests("Too many registrations from this address.", retry_after=wait)
