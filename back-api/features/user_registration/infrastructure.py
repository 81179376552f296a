"""Registrations in back-postgres, and their limits in back-redis."""

from uuid import NAMESPACE_URL, uuid5

from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import TooManyRequests
from shared.kit.http.token_buckets import SharedTokenBuckets, hourly_buckets
from shared.models.auth import TokenBucket
from shared.models.event import Command
from shared.models.registration import NewRegistration, RegistrationStored


class PostgresRegistrations:
    """Registrations over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def create(self, command: Command[NewRegistration]) -> None:
        await self._postgres.post("/registrations", command, response_model=RegistrationStored)


class RedisLimit:
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
                "Too many registrations. Try again later.", retry_after=taken.retry_after
            )

    def _counted_in(self, email: str, network: str) -> list[TokenBucket]:
        settings = self._settings
        return hourly_buckets(
            "registration",
            str(uuid5(NAMESPACE_URL, f"mailto:{email}")),
            network,
            per_address_and_network=settings.registrations_per_address_and_network,
            per_address=settings.registrations_per_address,
            per_network=settings.registrations_per_network if settings.limits_networks else None,
        )
