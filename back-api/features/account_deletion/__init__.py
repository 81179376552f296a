"""The deletion of one's own account."""

from fastapi import APIRouter

from features.account_deletion.api import router
from features.account_deletion.domain import AccountDeletions
from features.account_deletion.infrastructure import AuthPasswords, PostgresDeletions
from shared.kit import ServiceClient


def feature(auth: ServiceClient, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    return router(AccountDeletions(AuthPasswords(auth), PostgresDeletions(postgres)))
