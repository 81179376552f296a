"""Login with a mail address and a password."""

from fastapi import APIRouter

from features.email_auth.api import router
from features.email_auth.domain import LoginService, SessionOpener
from features.email_auth.infrastructure import PostgresAccounts, RedisAttemptLimit
from services.event_publisher import EventPublisher
from services.password_service import PasswordService
from settings import Settings
from shared.kit import ServiceClient


def feature(
    settings: Settings,
    passwords: PasswordService,
    sessions: SessionOpener,
    publisher: EventPublisher,
    postgres: ServiceClient,
    redis: ServiceClient,
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    attempts = RedisAttemptLimit(
        redis,
        capacity=settings.failed_logins_per_window,
        window_seconds=settings.failed_logins_window_seconds,
    )
    accounts = PostgresAccounts(postgres)
    return router(LoginService(accounts, attempts, passwords, sessions, publisher))
