"""A user's profile."""

from fastapi import APIRouter

from features.profile.api import router
from features.profile.domain import Profiles
from features.profile.infrastructure import PostgresProfiles
from shared.kit import ServiceClient


def feature(postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(Profiles(PostgresProfiles(postgres)))
