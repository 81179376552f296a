import random
from typing import Protocol
from uuid import UUID

import structlog

from delivery_handler import VERSION_UNKNOWN, DeliveryFailed, Undeliverable
from delivery_worker import take_and_handle
from lease import with_lease
from mailing.mail_message import (
    ADDRESS_TAKEN,
    CONFIRM_ADDRESS,
    MailTemplate,
    compose,
    home_link,
    verification_link,
)
from mailing.smtp import MailDeferred, SmtpClient
from outbox_client import OutboxClient
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import NotFound, Unavailable
from shared.models.auth import MailToken, MintMailToken
from shared.models.base import now
from shared.models.event import Delivery, EventEnvelope
from shared.models.registration import Registration

log = structlog.get_logger()

REGISTERED = "user.registered"
VERSIONS = frozenset({1})

RETRY_FACTOR = 3
"""Of the pause after a deferred mail, an attempt: 8 attempts take about two days."""


class Registrations(Protocol):
    """What a mail about a registration needs. Raises `Unavailable` or `TimedOut`."""

    async def registration(self, user_id: UUID) -> Registration:
        """Raises `NotFound` when it is confirmed, void or ended."""

    async def verification_token(self, user_id: UUID, event_id: UUID) -> str:
        """The token of the mail about an event; the same one each time. Raises `NotFound`."""


class ServiceRegistrations:
    """Registrations in back-postgres, tokens from back-auth."""

    def __init__(self, postgres: ServiceClient, auth: ServiceClient) -> None:
        self._postgres = postgres
        self._auth = auth

    async def registration(self, user_id: UUID) -> Registration:
        return await self._postgres.get(f"/registrations/{user_id}", response_model=Registration)

    async def verification_token(self, user_id: UUID, event_id: UUID) -> str:
        mint = MintMailToken(user_id=user_id, purpose="verify_email", event_id=event_id)
        minted = await self._auth.post(
            "/internal/mail-tokens", mint, response_model=MailToken, idempotent=True
        )
        return minted.token


class MailSender:
    """Leases a due delivery, sends its mail while it holds the lease, and completes it."""

    def __init__(
        self,
        outbox: OutboxClient,
        registrations: Registrations,
        server: SmtpClient,
        settings: Settings,
    ) -> None:
        self._outbox = outbox
        self._registrations = registrations
        self._server = server
        self._settings = settings

    async def deliver(self, delivery_id: UUID) -> None:
        """Send the mail of a delivery; nothing when it is done or leased by another worker."""
        await take_and_handle(
            self._outbox,
            delivery_id,
            self._send_with_lease,
            seconds=self._settings.mail_seconds,
            policy=self._settings.postpone_policy(),
        )

    async def _send_with_lease(self, delivery: Delivery) -> None:
        await with_lease(
            lambda: self._outbox.renew(delivery),
            lambda: self._send(delivery),
            lease_seconds=self._settings.lease_seconds,
        )

    async def _send(self, delivery: Delivery) -> None:
        event = delivery.envelope
        if event.version not in VERSIONS:
            raise Unavailable("This worker is too old for the event.", code=VERSION_UNKNOWN)
        user_id = _user_id(event)
        try:
            registration = await self._registrations.registration(user_id)
            template, link = await self._content(registration, event)
        except NotFound as not_needed:
            log.info("mail_not_needed", user_id=str(user_id), reason=not_needed.code)
            return
        try:
            await self._server.send(
                compose(template, registration.email, event, self._settings, link)
            )
        except MailDeferred as deferred:
            raise self._retry(delivery, deferred) from deferred
        log.info("mail_sent", user_id=str(user_id), template=template.name)

    async def _content(
        self, registration: Registration, event: EventEnvelope
    ) -> tuple[MailTemplate, str]:
        if registration.address_taken:
            return ADDRESS_TAKEN, home_link(self._settings)
        token = await self._registrations.verification_token(registration.user_id, event.event_id)
        return CONFIRM_ADDRESS, verification_link(token, self._settings)

    def _retry(self, delivery: Delivery, deferred: MailDeferred) -> DeliveryFailed:
        """When to try again: later each time, for the last time when the mail reaches its age."""
        age = (now() - delivery.envelope.occurred_at).total_seconds()
        left = self._settings.mail_age_max_seconds - age
        if left <= 0:
            return Undeliverable(str(deferred))
        pause = self._settings.mail_retry_seconds * RETRY_FACTOR**delivery.attempts
        pause *= random.uniform(0.75, 1)  # noqa: S311  (jitter)
        return DeliveryFailed(
            str(deferred), event_at_fault=True, retry_seconds=max(1, min(pause, left))
        )


def _user_id(event: EventEnvelope) -> UUID:
    if event.event_type != REGISTERED:
        raise Undeliverable(f"there is no mail for {event.event_type}")
    try:
        return UUID(str(event.payload["user_id"]))
    except (KeyError, ValueError):
        raise Undeliverable("the payload names no user_id") from None
