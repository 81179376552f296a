"""back-api: business rules and orchestration. It owns no data and signs nothing."""

from fastapi import FastAPI

from features import account, audit, maintenance, profile, token_verification, user_registration
from settings import Settings
from shared.kit import Service
from shared.kit.runtime.service import Connect


def app(connect: Connect | None = None) -> FastAPI:
    """The service; `connect` replaces the network in tests."""
    settings = Settings()
    service = Service(settings, connect=connect)

    auth = service.client("back-auth")
    postgres = service.client("back-postgres")
    cassandra = service.client("back-cassandra")
    redis = service.client("back-redis")
    workers = service.client("back-workers")
    for client in (auth, postgres, cassandra, redis, workers):
        service.depends(client)

    token_verification.feature(service, auth, redis)
    service.api.include_router(user_registration.feature(settings, auth, postgres, redis))
    service.api.include_router(account.feature(postgres))
    service.api.include_router(profile.feature(postgres))
    service.api.include_router(audit.feature(cassandra))
    service.api.include_router(maintenance.feature(workers))
    return service.api
