"""back-auth: passwords, tokens and sessions."""

from fastapi import FastAPI

from features import (
    account_deletion,
    email_auth,
    email_verification,
    live_notifications,
    password_change,
    password_reset,
    sessions,
    token_verification,
    user_registration,
)
from services.key_folder import KeyFolder
from services.password_service import PasswordService
from services.redis_security_events import RedisSecurityEvents
from settings import Settings
from shared.kit import Connect, Service


def app(connect: Connect | None = None) -> FastAPI:
    """The service; `connect` replaces the network in tests."""
    settings = Settings()
    service = Service(settings, connect=connect)
    postgres = service.client("back-postgres", settings.back_postgres_url)
    redis = service.client("back-redis", settings.back_redis_url)

    keys = KeyFolder.of(settings)
    passwords = service.resource(PasswordService.of(settings))
    security_events = RedisSecurityEvents(redis)
    opener = sessions.session_service(settings, keys, postgres, redis)

    api = service.api
    api.include_router(user_registration.feature(passwords, postgres))
    api.include_router(email_verification.feature(settings, passwords, postgres))
    api.include_router(
        email_auth.feature(settings, passwords, opener, security_events, postgres, redis)
    )
    api.include_router(sessions.feature(opener))
    proof = password_change.password_proof(
        email_auth.login_attempts(settings, redis), passwords, security_events, postgres
    )
    api.include_router(password_change.feature(proof, passwords, postgres, redis))
    api.include_router(account_deletion.feature(proof))
    api.include_router(password_reset.feature(settings, passwords, postgres, redis))
    api.include_router(token_verification.feature(service, keys, redis))
    api.include_router(live_notifications.feature(settings, redis))
    return api
