"""back-api: business rules and orchestration. It owns no data and signs nothing."""

from fastapi import FastAPI

from features import (
    account,
    account_deletion,
    account_export,
    audit,
    background_tasks,
    event_administration,
    idempotency,
    maintenance,
    notifications,
    profile,
    token_verification,
    tool_catalogue,
    tool_launches,
    user_administration,
    user_export,
    user_registration,
)
from settings import Settings
from shared.kit import Connect, Service


def app(connect: Connect | None = None) -> FastAPI:
    """The service; `connect` replaces the network in tests."""
    settings = Settings()
    service = Service(settings, connect=connect)

    auth = service.client("back-auth", settings.back_auth_url)
    postgres = service.client("back-postgres", settings.back_postgres_url)
    cassandra = service.client("back-cassandra", settings.back_cassandra_url)
    redis = service.client("back-redis", settings.back_redis_url)
    workers = service.client("back-workers", settings.back_workers_url)

    token_verification.feature(service, auth, redis)
    idempotency.feature(service, settings, redis)
    service.api.include_router(user_registration.feature(settings, auth, postgres, redis))
    service.api.include_router(account.feature(postgres))
    service.api.include_router(account_deletion.feature(auth, postgres))
    service.api.include_router(account_export.feature(postgres, cassandra, redis, workers))
    service.api.include_router(profile.feature(postgres))
    service.api.include_router(user_administration.feature(postgres))
    service.api.include_router(audit.feature(cassandra, postgres))
    service.api.include_router(maintenance.feature(workers, postgres))
    service.api.include_router(background_tasks.feature(workers))
    service.api.include_router(event_administration.feature(service, postgres))
    service.api.include_router(notifications.feature(postgres, cassandra, redis))
    service.api.include_router(user_export.feature(workers, postgres))
    service.api.include_router(tool_catalogue.feature(postgres))
    service.api.include_router(tool_launches.feature(postgres, cassandra))
    return service.api
