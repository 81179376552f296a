"""Another password for whoever forgot it."""

from fastapi import APIRouter

from features.email_auth import login_attempts
from features.email_auth.infrastructure import PostgresAccounts
from features.email_verification.infrastructure import PostgresMailTokens
from features.password_change.infrastructure import RedisGenerations
from features.password_reset.api import router
from features.password_reset.domain import PasswordResets, ResetRequests
from features.password_reset.infrastructure import PostgresResets, RedisResetLimit
from features.sessions.infrastructure import PostgresUsers
from services.password_service import PasswordService
from services.postgres_events import PostgresEvents
from settings import Settings
from shared.kit import ServiceClient


def feature(
    settings: Settings, passwords: PasswordService, postgres: ServiceClient, redis: ServiceClient
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    requests = ResetRequests(
        RedisResetLimit(redis, settings), PostgresAccounts(postgres), PostgresEvents(postgres)
    )
    resets = PasswordResets(
        PostgresMailTokens(postgres),
        PostgresUsers(postgres),
        passwords,
        PostgresResets(postgres),
        RedisGenerations(redis),
        login_attempts(settings, redis),
        tries_max=settings.mail_token_tries,
    )
    return router(requests, resets)
