"""A user changes the password."""

from fastapi import APIRouter

from features.email_auth.attempts import LoginAttempts
from features.password_change.api import router
from features.password_change.domain import PasswordChanges
from features.password_change.infrastructure import PostgresPasswords, RedisGenerations
from features.password_change.password_proof import PasswordProof
from services.password_service import PasswordService
from services.security_events import SecurityEvents
from shared.kit import ServiceClient


def feature(
    proof: PasswordProof,
    passwords: PasswordService,
    postgres: ServiceClient,
    redis: ServiceClient,
) -> APIRouter:
    """The routes of the feature, wired to the services that it needs."""
    changes = PasswordChanges(
        proof, passwords, PostgresPasswords(postgres), RedisGenerations(redis)
    )
    return router(changes)


def password_proof(
    attempts: LoginAttempts,
    passwords: PasswordService,
    security_events: SecurityEvents,
    postgres: ServiceClient,
) -> PasswordProof:
    """What asks a user who is logged in for the password again."""
    return PasswordProof(attempts, passwords, PostgresPasswords(postgres), security_events)
