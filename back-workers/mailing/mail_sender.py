import random
from email.message import EmailMessage
from typing import Protocol
from uuid import UUID

import structlog
from pydantic import ValidationError

from delivery_handler import VERSION_UNKNOWN, DeliveryFailed, Undeliverable
from delivery_worker import take_and_handle
from lease import with_lease
from mailing.mail_message import (
    ADDRESS_TAKEN,
    CONFIRM_ADDRESS,
    compose,
    digest,
    home_link,
    notification,
    password_reset,
    reset_link,
    verification_link,
)
from mailing.smtp import MailDeferred, SmtpClient
from outbox_client import OutboxClient
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import NotFound, Unavailable
from shared.models.auth import MailPurpose, MailToken, MintMailToken
from shared.models.base import now
from shared.models.event import Delivery, EventEnvelope
from shared.models.notification import (
    DigestDue,
    Notification,
    NotificationCreated,
    NotificationPage,
    Recipient,
)
from shared.models.registration import Registration

log = structlog.get_logger()

REGISTERED = "user.registered"
NOTIFIED = "notification.created"
DIGEST = "digest.due"
RESET_REQUESTED = "auth.password_reset.requested"
VERSIONS = frozenset({1})

RETRY_FACTOR = 3
"""Of the pause after a deferred mail, an attempt: 8 attempts take about two days."""


class Registrations(Protocol):
    """What a mail about a registration needs. Raises `Unavailable` or `TimedOut`."""

    async def registration(self, user_id: UUID) -> Registration:
        """Raises `NotFound` when it is confirmed, void or ended."""


class ServiceRegistrations:
    """Registrations in back-postgres."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def registration(self, user_id: UUID) -> Registration:
        return await self._postgres.get(f"/registrations/{user_id}", response_model=Registration)


class MailTokens(Protocol):
    """Tokens for the links of mails. Raises `Unavailable` or `TimedOut`."""

    async def token(self, purpose: MailPurpose, user_id: UUID, event_id: UUID) -> str:
        """The token of the mail about an event; the same one each time. Raises `NotFound`."""


class ServiceMailTokens:
    """Tokens from back-auth."""

    def __init__(self, auth: ServiceClient) -> None:
        self._auth = auth

    async def token(self, purpose: MailPurpose, user_id: UUID, event_id: UUID) -> str:
        mint = MintMailToken(user_id=user_id, purpose=purpose, event_id=event_id)
        minted = await self._auth.post(
            "/internal/mail-tokens", mint, response_model=MailToken, idempotent=True
        )
        return minted.token


class Recipients(Protocol):
    """Whom a notification goes to. Raises `Unavailable` or `TimedOut`."""

    async def recipient(self, user_id: UUID) -> Recipient:
        """Raises `NotFound` when the user is gone."""


class ServiceRecipients:
    """Recipients in back-postgres."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def recipient(self, user_id: UUID) -> Recipient:
        return await self._postgres.get(f"/users/{user_id}/recipient", response_model=Recipient)


class Timeline(Protocol):
    """The notifications of each user. Raises `Unavailable` or `TimedOut`."""

    async def between(self, due: DigestDue, limit: int) -> NotificationPage:
        """Those of the user and the time of a digest, newest first."""


class ServiceTimeline:
    """Timelines in back-cassandra."""

    def __init__(self, cassandra: ServiceClient) -> None:
        self._cassandra = cassandra

    async def between(self, due: DigestDue, limit: int) -> NotificationPage:
        span = {"since": due.since.isoformat(), "until": due.until.isoformat(), "limit": limit}
        return await self._cassandra.get(
            f"/users/{due.user_id}/timeline", params=span, response_model=NotificationPage
        )


class MailSender:
    """Leases a due delivery, sends its mail while it holds the lease, and completes it."""

    def __init__(
        self,
        outbox: OutboxClient,
        registrations: Registrations,
        tokens: MailTokens,
        recipients: Recipients,
        timeline: Timeline,
        server: SmtpClient,
        *,
        settings: Settings,
    ) -> None:
        self._outbox = outbox
        self._registrations = registrations
        self._tokens = tokens
        self._recipients = recipients
        self._timeline = timeline
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
        try:
            mail = await self._mail(event)
        except NotFound as not_needed:
            log.info("mail_not_needed", event_type=event.event_type, reason=not_needed.code)
            return
        try:
            await self._server.send(mail)
        except MailDeferred as deferred:
            raise self._retry(delivery, deferred) from deferred
        log.info("mail_sent", event_type=event.event_type)

    async def _mail(self, event: EventEnvelope) -> EmailMessage:
        """The mail of an event. Raises `NotFound` where nobody needs it any more."""
        if event.event_type == REGISTERED:
            return await self._of_registration(event)
        if event.event_type == NOTIFIED:
            return await self._of_notification(event)
        if event.event_type == RESET_REQUESTED:
            return await self._of_password_reset(event)
        if event.event_type == DIGEST:
            return await self._of_digest(event)
        raise Undeliverable(f"there is no mail for {event.event_type}")

    async def _of_registration(self, event: EventEnvelope) -> EmailMessage:
        registration = await self._registrations.registration(_user_id(event))
        if registration.address_taken:
            template, link = ADDRESS_TAKEN, home_link(self._settings)
        else:
            token = await self._tokens.token("verify_email", registration.user_id, event.event_id)
            template, link = CONFIRM_ADDRESS, verification_link(token, self._settings)
        return compose(template, registration.email, event, self._settings, link)

    async def _of_password_reset(self, event: EventEnvelope) -> EmailMessage:
        recipient = await self._active(_user_id(event))
        token = await self._tokens.token("reset_password", recipient.user_id, event.event_id)
        template = password_reset(recipient.language or "")
        link = reset_link(token, self._settings)
        return compose(template, recipient.email, event, self._settings, link)

    async def _of_notification(self, event: EventEnvelope) -> EmailMessage:
        try:
            created = NotificationCreated.model_validate(event.payload)
        except ValidationError:
            raise Undeliverable("the payload is no notification") from None
        recipient = await self._active(created.user_id)
        template = notification(created.title, created.language)
        texts = {"title": created.title, "body": created.body}
        link = home_link(self._settings)
        return compose(template, recipient.email, event, self._settings, link, texts)

    async def _of_digest(self, event: EventEnvelope) -> EmailMessage:
        try:
            due = DigestDue.model_validate(event.payload)
        except ValidationError:
            raise Undeliverable("the payload is no digest") from None
        recipient = await self._active(due.user_id)
        if recipient.digest != "daily":
            raise NotFound("The user wants no digest any more.", code="digest_off")
        page = await self._timeline.between(due, self._settings.digest_items_max)
        if not page.items:
            raise NotFound("There is nothing to tell.", code="digest_empty")
        items = "\n\n".join(map(_listed, page.items)) + ("\n\n…" if page.next else "")
        link = home_link(self._settings)
        template = digest(recipient.language or "")
        return compose(template, recipient.email, event, self._settings, link, {"items": items})

    async def _active(self, user_id: UUID) -> Recipient:
        recipient = await self._recipients.recipient(user_id)
        if recipient.status != "active":
            raise NotFound("The user is suspended.", code="user_not_active")
        return recipient

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


def _listed(item: Notification) -> str:
    return f"• {item.title}\n{item.body}"


def _user_id(event: EventEnvelope) -> UUID:
    try:
        return UUID(str(event.payload["user_id"]))
    except (KeyError, ValueError):
        raise Undeliverable("the payload names no user_id") from None
