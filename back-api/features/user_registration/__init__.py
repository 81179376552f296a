"""Registration of new users."""

from datetime import timedelta

from fastapi import APIRouter

from features.user_registration.api import router
from features.user_registration.domain import UserRegistrations
from features.user_registration.infrastructure import PostgresRegistrations, RedisLimit
from services.auth_credentials import AuthCredentials
from settings import Settings
from shared.kit import ServiceClient


def feature(
    settings: Settings, auth: ServiceClient, postgres: ServiceClient, redis: ServiceClient
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    registrations = UserRegistrations(
        PostgresRegistrations(postgres),
        AuthCredentials(auth),
        RedisLimit(redis, settings),
        terms_version=settings.terms_version,
        expires_in=timedelta(seconds=settings.registration_seconds),
    )
    return router(registrations)
