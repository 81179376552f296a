"""The confirmation of a mail address."""

from datetime import timedelta

from fastapi import APIRouter

from features.email_verification.api import router
from features.email_verification.domain import MailTokenService
from features.email_verification.infrastructure import PostgresMailTokens, PostgresVerifications
from settings import Settings
from shared.kit import ServiceClient


def feature(settings: Settings, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    tokens = MailTokenService(
        PostgresMailTokens(postgres),
        PostgresVerifications(postgres),
        key=settings.secret("mail-tokens.key"),
        expires_in=timedelta(seconds=settings.mail_token_seconds),
    )
    return router(tokens)
