"""The password of a new user."""

from fastapi import APIRouter

from features.user_registration.api import router
from features.user_registration.domain import CredentialService
from features.user_registration.infrastructure import PostgresCredentials
from services.password_service import PasswordService
from shared.kit import ServiceClient


def feature(passwords: PasswordService, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(CredentialService(passwords, PostgresCredentials(postgres)))
