"""Login with a mail address and a password."""

from fastapi import APIRouter

from features.email_auth.api import router
from features.email_auth.attempts import LoginAttempts, LoginLimits
from features.email_auth.domain import LoginService, SessionOpener
from features.email_auth.infrastructure import PostgresAccounts, RedisTokenBuckets
from services.device_token_service import DeviceTokenService
from services.password_service import PasswordService
from services.security_events import SecurityEvents
from settings import Settings
from shared.kit import ServiceClient


def login_attempts(settings: Settings, redis: ServiceClient) -> LoginAttempts:
    """What counts failed passwords, wherever they are asked for."""
    limits = LoginLimits(
        per_account_and_network=settings.failed_logins_per_account_and_network,
        per_network=settings.failed_logins_per_network,
        per_account=settings.failed_logins_per_account,
        per_device=settings.failed_logins_per_device,
        window_seconds=settings.failed_logins_window_seconds,
    )
    return LoginAttempts(RedisTokenBuckets(redis), limits)


def feature(
    settings: Settings,
    passwords: PasswordService,
    sessions: SessionOpener,
    security_events: SecurityEvents,
    postgres: ServiceClient,
    redis: ServiceClient,
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    logins = LoginService(
        PostgresAccounts(postgres),
        login_attempts(settings, redis),
        DeviceTokenService(settings.secret("device-tokens.key")),
        passwords,
        sessions,
        security_events,
    )
    return router(logins)
