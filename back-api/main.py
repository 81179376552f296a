"""back-api: business rules and orchestration. It owns no data and signs nothing."""

from fastapi import FastAPI

from features import audit, maintenance, profile, user_registration, users
from settings import Settings
from shared.kit import Service, asks_back_auth
from shared.kit.auth.revocations import Revocations
from shared.kit.auth.user_tokens import RemoteKeySet
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

    revocations = Revocations(redis, asks_back_auth(auth))
    service.background(revocations.follow)
    service.ready("revocations", revocations.ready)
    service.verifies_users(RemoteKeySet(auth), revocations)

    service.api.include_router(user_registration.feature(settings, auth, postgres, redis))
    service.api.include_router(users.feature(postgres))
    service.api.include_router(profile.feature(postgres))
    service.api.include_router(audit.feature(cassandra))
    service.api.include_router(maintenance.feature(workers))
    return service.api
