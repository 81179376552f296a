"""Resets in back-postgres, and their limits in back-redis."""

from services.secret_service import secret_hash
from settings import Settings
from shared.kit.errors import TooManyRequests
from shared.kit.http.client import ServiceClient
from shared.kit.http.token_buckets import SharedTokenBuckets
from shared.models.auth import TokenBucket
from shared.models.event import Command
from shared.models.password_reset import ResetPassword
from shared.models.user import User

_HOUR = 3600  # seconds


class PostgresResets:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def reset(self, command: Command[ResetPassword]) -> User:
        return await self._postgres.post("/password-resets", command, response_model=User)


class RedisResetLimit:
    """Token buckets in back-redis, or in this process while that is down.

    One bucket is for an address from a network, so that a stranger elsewhere leaves the owner of
    an address the owner's own; one is for the address and, outside development, one for the
    network.
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
        address = secret_hash(email)  # no address in a key of Valkey
        settings = self._settings
        buckets = [
            _bucket(
                "password-reset-address-network",
                f"{address} {network}",
                settings.resets_per_address_and_network,
            ),
            _bucket("password-reset-address", address, settings.resets_per_address),
        ]
        if settings.limits_networks:
            buckets.append(_bucket("password-reset-network", network, settings.resets_per_network))
        return buckets


def _bucket(limit: str, key: str, per_hour: int) -> TokenBucket:
    return TokenBucket(limit=limit, key=key, capacity=per_hour, window_seconds=_HOUR)
