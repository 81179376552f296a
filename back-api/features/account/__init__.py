"""A user's own account."""

from fastapi import APIRouter

from features.account.api import router
from services.postgres_users import PostgresUsers
from shared.kit import ServiceClient


def feature(postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(PostgresUsers(postgres))
