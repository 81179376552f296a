"""Users, as admins see and change them, and the first admin."""

from fastapi import APIRouter

from features.user_administration.api import router
from features.user_administration.domain import UserAdministration
from features.user_administration.infrastructure import PostgresProfilesOfUsers
from services.postgres_events import PostgresEvents
from services.postgres_users import PostgresUsers
from shared.kit import ServiceClient


def feature(postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    administration = UserAdministration(
        PostgresUsers(postgres), PostgresProfilesOfUsers(postgres), PostgresEvents(postgres)
    )
    return router(administration)
