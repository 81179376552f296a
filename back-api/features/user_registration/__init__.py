"""Registration of new users."""

from fastapi import APIRouter

from features.user_registration.api import router
from features.user_registration.domain import UserRegistrations
from features.user_registration.infrastructure import NoLimit, RedisLimit
from services.auth_credentials import AuthCredentials
from services.postgres_users import PostgresUsers
from settings import Settings
from shared.kit import ServiceClient


def feature(
    settings: Settings, auth: ServiceClient, postgres: ServiceClient, redis: ServiceClient
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    limit = (
        RedisLimit(redis, per_hour=settings.registrations_per_hour)
        if settings.limits_registrations
        else NoLimit()
    )
    return router(UserRegistrations(PostgresUsers(postgres), AuthCredentials(auth), limit))
