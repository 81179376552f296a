"""The user who asks."""

from fastapi import APIRouter

from features.users.api import router
from features.users.infrastructure import PostgresUsers
from shared.kit import ServiceClient


def feature(postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(PostgresUsers(postgres))
