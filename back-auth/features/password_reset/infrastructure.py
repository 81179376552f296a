"""Resets in back-postgres, and their limits in back-redis."""

from services.secret_service import secret_hash
from settings import Settings
from shared.kit.errors import TooManyRequests
from shared.kit.http.client import ServiceClient
from shared.kit.http.token_buckets import SharedTokenBuckets, hourly_buckets
from shared.models.auth import TokenBucket
from shared.models.event import Command
from shared.models.password_reset import ResetPassword
from shared.models.user import User


class PostgresResets:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def reset(self, command: Command[ResetPassword]) -> User:
        return await self._postgres.post("/password-resets", command, response_model=User)


class RedisResetLimit:
    """Token buckets in back-redis, or in this process while that is down.

    A network is limited outside development alone.
    """

    def __init__(self, redis: ServiceClient, settings: Settings) -> None:
        self._buckets = SharedTokenBuckets(redis, "/limits/take")
        self._settings = settings

    async def take(self, email: str, network: str) -> None:
        taken = await self._buckets.take(self._counted_in(email, network))
        if not taken.allowed:
            raise TooManyRequests(
                "Too many password resets. Try again later.", retry_after=taken.retry_after
            )

    def _counted_in(self, email: str, network: str) -> list[TokenBucket]:
        settings = self._settings
        return hourly_buckets(
            "password-reset",
            secret_hash(email),
            network,
            per_address_and_network=settings.resets_per_address_and_network,
            per_address=settings.resets_per_address,
            per_network=settings.resets_per_network if settings.limits_networks else None,
        )
