"""The services that signing up needs."""

from uuid import UUID

import structlog

from shared.kit import ServiceClient
from shared.kit.errors import TimedOut, TooManyRequests, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import TakeToken, TokenTaken
from shared.models.user import CredentialAccepted, NewCredential

log = structlog.get_logger()

_HOUR = 3600  # seconds


class AuthCredentials:
    """back-auth hashes and keeps the password; back-api learns an id."""

    def __init__(self, auth: ServiceClient) -> None:
        self._auth = auth

    async def store(self, password: str) -> UUID:
        accepted = await self._auth.post(
            "/internal/credentials",
            NewCredential(password=password),
            response_model=CredentialAccepted,
        )
        return accepted.credential_id


class NoLimit:
    """Development: as often as needed."""

    async def take(self, address: str) -> None:
        """Always allowed."""


class RedisLimit:
    """A bucket an address in back-redis; in this process while back-redis is out."""

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
