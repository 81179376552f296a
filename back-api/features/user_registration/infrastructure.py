"""Registrations in back-postgres, and their limits in back-redis."""

from uuid import NAMESPACE_URL, uuid5

import structlog

from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import TimedOut, TooManyRequests, Unavailable
from shared.kit.http.token_buckets import LocalTokenBuckets
from shared.models.auth import TakeTokens, TokenBucket, TokensTaken
from shared.models.event import Command
from shared.models.registration import NewRegistration, RegistrationStored

log = structlog.get_logger()

_HOUR = 3600  # seconds


class PostgresRegistrations:
    """Registrations over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def create(self, command: Command[NewRegistration]) -> None:
        await self._postgres.post("/registrations", command, response_model=RegistrationStored)


class RedisLimit:
    """Token buckets in back-redis, or in this process while that is down.

    One bucket is for an address from a network, so that a stranger elsewhere leaves the owner of
    an address the owner's own; one is for the address and, outside development, one for the
    network.
    """

    def __init__(self, redis: ServiceClient, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._local = LocalTokenBuckets()

    async def take(self, email: str, network: str) -> None:
        buckets = self._buckets(email, network)
        try:
            taken = await self._redis.post(
                "/limits/take", TakeTokens(buckets=buckets), response_model=TokensTaken
            )
        except (Unavailable, TimedOut):
            log.warning("limit_local", limit="registration")
            taken = self._local.take(*buckets)
        if not taken.allowed:
            raise TooManyRequests(
                "Too many registrations. Try again later.", retry_after=taken.retry_after
            )

    def _buckets(self, email: str, network: str) -> list[TokenBucket]:
        address = uuid5(NAMESPACE_URL, f"mailto:{email}")  # no address in a key of Valkey
        settings = self._settings
        buckets = [
            _bucket(
                "registration-address-network",
                f"{address} {network}",
                settings.registrations_per_address_and_network,
            ),
            _bucket("registration-address", str(address), settings.registrations_per_address),
        ]
        if settings.limits_networks:
            buckets.append(
                _bucket("registration-network", network, settings.registrations_per_network)
            )
        return buckets


def _bucket(limit: str, key: str, per_hour: int) -> TokenBucket:
    return TokenBucket(limit=limit, key=key, capacity=per_hour, window_seconds=_HOUR)
