"""back-auth: passwords, tokens and sessions."""

from datetime import timedelta

from fastapi import FastAPI

from features.credentials import api as credentials
from features.credentials.domain import CredentialService
from features.credentials.infrastructure import PostgresCredentials
from features.email_auth import api as email_auth
from features.email_auth.domain import LoginService
from features.email_auth.infrastructure import PostgresAccounts, RedisAttemptLimit
from features.jwks import api as jwks
from features.jwks.infrastructure import KeyFolder
from features.mail_tokens import api as mail_tokens
from features.mail_tokens.domain import MailTokenService
from features.mail_tokens.infrastructure import PostgresMailTokens, PostgresVerifications
from features.sessions import api as sessions
from features.sessions.domain import SessionService
from features.sessions.infrastructure import PostgresUsers, RedisSessions
from features.socket_tickets import api as socket_tickets
from features.socket_tickets.domain import TicketService
from features.socket_tickets.infrastructure import RedisTickets
from services.password_service import PasswordService
from services.postgres_event_publisher import PostgresOutbox
from services.token_service import TokenService
from settings import Settings
from shared.kit import Service
from shared.kit.auth.revocations import Revocations
from shared.kit.runtime.service import Connect


def app(connect: Connect | None = None) -> FastAPI:
    settings = Settings()
    service = Service(settings, connect=connect)
    postgres = service.client("back-postgres")
    redis = service.client("back-redis")
    service.depends(postgres)
    service.depends(redis)

    outbox = service.resource(PostgresOutbox(postgres))
    passwords = service.resource(
        PasswordService(
            memory_kib=settings.argon2_memory_kib,
            time_cost=settings.argon2_time_cost,
            parallelism=settings.argon2_parallelism,
            threads=settings.argon2_threads,
            waiting_max=settings.argon2_waiting_max,
        )
    )
    keys = KeyFolder(settings.secrets_dir / "jwt", interval=settings.signing_keys_interval)
    service.background(keys.watch)

    session_service = SessionService(
        RedisSessions(redis),
        PostgresUsers(postgres),
        TokenService(keys.ring, expires_in=settings.access_token_seconds),
        outbox,
        refresh_seconds=settings.refresh_token_seconds,
    )
    login_service = LoginService(
        PostgresAccounts(postgres),
        RedisAttemptLimit(
            redis,
            capacity=settings.failed_logins_per_window,
            window_seconds=settings.failed_logins_window_seconds,
        ),
        passwords,
        session_service,
        outbox,
    )
    mail_token_service = MailTokenService(
        PostgresMailTokens(postgres),
        PostgresVerifications(postgres),
        expires_in=timedelta(seconds=settings.mail_token_seconds),
    )

    revocations = Revocations(redis, session_service.is_active)
    service.background(revocations.follow)
    service.ready("revocations", revocations.ready)
    service.verifies_users(keys, revocations)

    api = service.api
    api.include_router(jwks.router(keys.ring))
    api.include_router(
        credentials.router(CredentialService(passwords, PostgresCredentials(postgres)))
    )
    api.include_router(mail_tokens.router(mail_token_service))
    api.include_router(email_auth.router(login_service))
    api.include_router(sessions.router(session_service))
    api.include_router(
        socket_tickets.router(
            TicketService(RedisTickets(redis), expires_in=settings.socket_ticket_seconds)
        )
    )
    return api
