"""Sessions: opened by a login, continued by a refresh, ended by a logout."""

from fastapi import APIRouter

from features.sessions.api import router
from features.sessions.domain import SessionService
from features.sessions.infrastructure import PostgresUsers, RedisSessions
from services.key_folder import KeyFolder
from services.secret_service import keys_in
from services.token_service import TokenService
from settings import Settings
from shared.kit import ServiceClient


def session_service(
    settings: Settings,
    keys: KeyFolder,
    postgres: ServiceClient,
    redis: ServiceClient,
) -> SessionService:
    """What opens sessions for the features that authenticate users."""
    return SessionService(
        RedisSessions(redis),
        PostgresUsers(postgres),
        TokenService(keys.ring, expires_in=settings.access_token_seconds),
        refresh_keys=keys_in(settings.secret("refresh-tokens.key")),
        refresh_seconds=settings.refresh_token_seconds,
    )


def feature(sessions: SessionService) -> APIRouter:
    """The routes of the feature."""
    return router(sessions)
