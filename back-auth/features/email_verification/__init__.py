"""The confirmation of a mail address."""

from datetime import timedelta

from fastapi import APIRouter

from features.email_verification.api import router
from features.email_verification.domain import MailTokenService
from features.email_verification.infrastructure import PostgresMailTokens, PostgresVerifications
from services.password_service import PasswordService
from settings import Settings
from shared.kit import ServiceClient


def feature(settings: Settings, passwords: PasswordService, postgres: ServiceClient) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    tokens = MailTokenService(
        PostgresMailTokens(postgres),
        PostgresVerifications(postgres),
        passwords,
        key=settings.secret("mail-tokens.key"),
        lifetimes={
            "verify_email": timedelta(seconds=settings.mail_token_seconds),
            "reset_password": timedelta(seconds=settings.reset_token_seconds),
        },
        tries_max=settings.mail_token_tries,
    )
    return router(tokens)
