"""Answers to repeated writes, by the header `Idempotency-Key`."""

from features.idempotency.infrastructure import RedisResponses
from settings import Settings
from shared.kit import Service, ServiceClient


def feature(service: Service, settings: Settings, redis: ServiceClient) -> None:
    """Let the handlers of `service` take `Once`; back-redis keeps the responses."""
    service.takes_idempotency_keys(
        RedisResponses(redis),
        hash_key=settings.secret("idempotency.key"),
        wait_seconds=settings.idempotency_wait_seconds,
    )
