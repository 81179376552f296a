"""Registrations in back-postgres, and their limits in back-redis."""

from uuid import NAMESPACE_URL, uuid5

from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import TooManyRequests
from shared.kit.http.token_buckets import SharedTokenBuckets
from shared.models.auth import TokenBucket
from shared.models.event import Command
from shared.models.registration import NewRegistration, RegistrationStored

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
        self._buckets = SharedTokenBuckets(redis, "/limits/take")
        self._settings = settings

    async def take(self, email: str, network: str) -> None:
        taken = await self._buckets.take(self._counted_in(email, network))
        if not taken.allowed:
            raise TooManyRequests(
                "Too many registrations. Try again later.", retry_after=taken.retry_after
            )

    def _counted_in(self, email: str, network: str) -> list[TokenBucket]:
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
