"""A user changes the password."""

from fastapi import APIRouter

from features.email_auth import login_attempts
from features.password_change.api import router
from features.password_change.domain import PasswordChanges
from features.password_change.infrastructure import PostgresPasswords, RedisGenerations
from services.password_service import PasswordService
from services.security_events import SecurityEvents
from settings import Settings
from shared.kit import ServiceClient


def feature(
    settings: Settings,
    passwords: PasswordService,
    security_events: SecurityEvents,
    postgres: ServiceClient,
    redis: ServiceClient,
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    changes = PasswordChanges(
        login_attempts(settings, redis),
        passwords,
        PostgresPasswords(postgres),
        RedisGenerations(redis),
        security_events,
    )
    return router(changes)
