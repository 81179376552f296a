import asyncio
import re
import time
from datetime import timedelta
from email.message import EmailMessage
from uuid import uuid4

import pytest
from pydantic import JsonValue

from mailing.mail_sender import (
    DIGEST,
    NOTIFIED,
    REGISTERED,
    RESET_REQUESTED,
    MailSender,
    ServiceMailTokens,
    ServiceRecipients,
    ServiceRegistrations,
    ServiceTimeline,
)
from mailing.smtp import SmtpClient
from settings import Settings
from shared.models.base import now
from shared.models.notification import Notification
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.waiting import until
from tests.fake_outbox_client import Row
from tests.fake_services import FakeServices
from tests.fake_smtp_server import FakeSmtpServer

LEASE_SECONDS = 1.0


@pytest.fixture
def settings(settings: Settings, smtp: FakeSmtpServer) -> Settings:
    return settings.model_copy(update={"smtp_port": smtp.port, "lease_seconds": LEASE_SECONDS})


@pytest.fixture
def mails(settings: Settings, keys: Identities, services: FakeServices) -> MailSender:
    transport = AsgiTransport(services.app())
    postgres = keys.client("back-workers", "back-postgres", transport)
    auth = keys.client("back-workers", "back-auth", transport)
    services.outbox.lease_seconds = LEASE_SECONDS
    return MailSender(
        services.outbox,
        ServiceRegistrations(postgres),
        ServiceMailTokens(auth),
        ServiceRecipients(postgres),
        ServiceTimeline(keys.client("back-workers", "back-cassandra", transport)),
        SmtpClient(settings),
        settings=settings,
    )


async def due(
    services: FakeServices,
    event_type: str = REGISTERED,
    *,
    address_taken: bool = False,
    payload: dict[str, JsonValue] | None = None,
) -> Row:
    """A mail delivery that the relay has claimed and sent a notification for."""
    registration = services.add_registration(address_taken=address_taken)
    named: dict[str, JsonValue] = (
        {"user_id": str(registration.user_id)} if payload is None else payload
    )
    row = services.outbox.add("mail", event_type, payload=named)
    await services.outbox.claim(["mail"], limit=1, wait_seconds=0)
    return row


def text_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


class TestConfirmation:
    async def test_an_address_that_is_free_gets_a_link_with_a_fresh_token(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await due(services)
        await mails.deliver(row.delivery_id)
        (mail,) = smtp.mails
        link = "http://127.0.0.1:8000/app/confirm?token=token-0"
        assert link in text_of(mail, "plain")
        assert f'href="{link}"' in text_of(mail, "html")
        assert mail["To"] == "ada@example.org"
        assert row.state == "done"

    async def test_its_headers_lead_back_to_the_event(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await due(services)
        await mails.deliver(row.delivery_id)
        (mail,) = smtp.mails
        assert mail["Message-ID"] == f"<{row.envelope.event_id}@127.0.0.1>"
        assert mail["X-Correlation-ID"] == "correlation-of-test"
        assert mail["From"] == "Tools Dashboard <no-reply@tools-dashboard.example>"
        assert re.search(r"\d{4}", mail["Date"])

    async def test_a_registration_that_is_over_gets_none(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await due(services)
        services.registrations.clear()
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, services.tokens, row.state) == ([], {}, "done")

    async def test_one_that_is_confirmed_while_its_mail_is_made_gets_none(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await due(services)
        services.confirmed.update(services.registrations)
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, services.tokens, row.state) == ([], {}, "done")


class TestAddressTaken:
    async def test_the_owner_is_told_and_gets_no_token(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await due(services, address_taken=True)
        await mails.deliver(row.delivery_id)
        (mail,) = smtp.mails
        assert mail["Subject"] == "Somebody tried to register with your address"
        assert "token" not in text_of(mail, "plain")
        assert (services.tokens, row.state) == ({}, "done")


async def notified(services: FakeServices, language: str = "en", **fields: object) -> Row:
    """A notification that goes by mail; `fields` are those of its recipient."""
    recipient = services.add_recipient(**fields)
    payload: dict[str, JsonValue] = {
        "user_id": str(recipient.user_id),
        "id": str(uuid4()),
        "kind": "admin_message",
        "title": "Tonight <b>& tomorrow</b>",
        "body": "First line\nSecond <line>",
        "data": {},
        "created_at": now().isoformat(),
        "language": language,
        "channels": ["mail"],
    }
    return await due(services, NOTIFIED, payload=payload)


class TestNotification:
    @pytest.mark.parametrize(
        "language, hint", [("en", "which mails you get"), ("es", "correos"), ("fr", "which mails")]
    )
    async def test_says_what_it_is_and_where_to_switch_it_off(
        self,
        mails: MailSender,
        services: FakeServices,
        smtp: FakeSmtpServer,
        language: str,
        hint: str,
    ) -> None:
        row = await notified(services, language, email="grace@example.org")
        await mails.deliver(row.delivery_id)
        (mail,) = smtp.mails
        assert (mail["To"], mail["Subject"]) == ("grace@example.org", "Tonight <b>& tomorrow</b>")
        assert mail["Message-ID"] == f"<{row.envelope.event_id}@127.0.0.1>"
        plain, html = (text_of(mail, kind).replace("\r", "") for kind in ("plain", "html"))
        assert "First line\nSecond <line>" in plain
        assert "First line<br>\nSecond &lt;line&gt;" in html
        assert "<b>" not in html
        for part in (plain, html):
            assert hint in part
            assert "http://127.0.0.1:8000/app/notifications/preferences" in part
        assert row.state == "done"

    async def test_who_is_suspended_gets_none(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await notified(services, status="suspended")
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, row.state) == ([], "done")

    async def test_who_is_gone_gets_none(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await notified(services)
        services.recipients.clear()
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, row.state) == ([], "done")


async def digested(services: FakeServices, **fields: object) -> Row:
    """A digest of the day before; `fields` are those of its recipient."""
    recipient = services.add_recipient(**{"digest": "daily"} | fields)
    payload: dict[str, JsonValue] = {
        "user_id": str(recipient.user_id),
        "local_date": "2026-11-22",
        "since": "2026-11-21T08:00:00Z",
        "until": "2026-11-22T08:00:00Z",
    }
    return await due(services, DIGEST, payload=payload)


def item(title: str, created_at: str) -> Notification:
    return Notification.model_validate(
        {
            "id": uuid4(),
            "kind": "welcome",
            "title": title,
            "body": "<b>",
            "data": {},
            "read_at": None,
            "created_at": created_at,
        }
    )


class TestDigest:
    @pytest.mark.parametrize(
        "language, subject",
        [("en", "Your notifications"), ("es", "Tus notificaciones"), (None, "Your notifications")],
    )
    async def test_lists_what_came_since_the_one_before(
        self,
        mails: MailSender,
        services: FakeServices,
        smtp: FakeSmtpServer,
        language: str | None,
        subject: str,
    ) -> None:
        row = await digested(services, language=language)
        services.timeline = [
            item("tomorrow", "2026-11-22T08:00:00Z"),
            item("late", "2026-11-22T07:59:59Z"),
            item("early", "2026-11-21T08:00:00Z"),
            item("yesterday", "2026-11-21T07:59:59Z"),
        ]
        await mails.deliver(row.delivery_id)
        (mail,) = smtp.mails
        assert mail["Subject"].startswith(subject)
        plain, html = text_of(mail, "plain"), text_of(mail, "html")
        assert plain.index("late") < plain.index("early")
        assert "tomorrow" not in plain
        assert "yesterday" not in plain
        assert "<b>" not in html
        assert "…" not in plain
        assert row.state == "done"

    async def test_says_when_there_is_more(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer, settings: Settings
    ) -> None:
        mails._settings = settings.model_copy(update={"digest_items_max": 2})
        row = await digested(services)
        services.timeline = [item(f"item {n}", "2026-11-21T12:00:00Z") for n in range(3)]
        await mails.deliver(row.delivery_id)
        (mail,) = smtp.mails
        plain = text_of(mail, "plain")
        assert ("item 1" in plain, "item 2" in plain, "…" in plain) == (True, False, True)

    @pytest.mark.parametrize("fields", [{"digest": "off"}, {"status": "suspended"}])
    async def test_who_wants_none_any_more_gets_none(
        self,
        mails: MailSender,
        services: FakeServices,
        smtp: FakeSmtpServer,
        fields: dict[str, object],
    ) -> None:
        row = await digested(services, **fields)
        services.timeline = [item("late", "2026-11-21T12:00:00Z")]
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, row.state) == ([], "done")

    async def test_a_day_without_notifications_has_none(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await digested(services)
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, row.state) == ([], "done")


class TestPasswordReset:
    @pytest.mark.parametrize(
        "language, subject",
        [(None, "Set another password"), ("es", "Elige otra contraseña")],
    )
    async def test_a_user_gets_a_link_in_their_language(
        self,
        mails: MailSender,
        services: FakeServices,
        smtp: FakeSmtpServer,
        language: str | None,
        subject: str,
    ) -> None:
        recipient = services.add_recipient(language=language)
        row = await due(services, RESET_REQUESTED, payload={"user_id": str(recipient.user_id)})
        await mails.deliver(row.delivery_id)
        (mail,) = smtp.mails
        link = "http://127.0.0.1:8000/app/password-reset?token=token-0"
        assert (mail["Subject"], mail["To"]) == (subject, "ada@example.org")
        assert link in text_of(mail, "plain")
        assert f'href="{link}"' in text_of(mail, "html")

    async def test_an_address_without_an_account_gets_none(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await due(services, RESET_REQUESTED, payload={"user_id": str(uuid4())})
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, services.tokens, row.state) == ([], {}, "done")

    async def test_who_is_suspended_gets_none(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        recipient = services.add_recipient(status="suspended")
        row = await due(services, RESET_REQUESTED, payload={"user_id": str(recipient.user_id)})
        await mails.deliver(row.delivery_id)
        assert (smtp.mails, services.tokens, row.state) == ([], {}, "done")


class TestFailure:
    @pytest.mark.parametrize(
        "event_type,payload,reason",
        [
            (REGISTERED, {}, "the payload names no user_id"),
            (NOTIFIED, {}, "the payload is no notification"),
            (DIGEST, {}, "the payload is no digest"),
            (RESET_REQUESTED, {}, "the payload names no user_id"),
            ("profile.created", {}, "there is no mail for profile.created"),
        ],
    )
    async def test_a_mail_that_can_not_be_written_is_dead_at_once(
        self,
        mails: MailSender,
        services: FakeServices,
        event_type: str,
        payload: dict[str, JsonValue],
        reason: str,
    ) -> None:
        row = await due(services, event_type, payload=payload)
        await mails.deliver(row.delivery_id)
        assert (row.state, row.last_error) == ("dead", reason)

    async def test_an_event_of_a_later_version_waits_for_a_later_worker(
        self, mails: MailSender, services: FakeServices
    ) -> None:
        row = await due(services)
        row.envelope = row.envelope.model_copy(update={"version": 2})
        await mails.deliver(row.delivery_id)
        assert (row.state, row.attempts) == ("pending", 0)

    @pytest.mark.parametrize("where", ["refuses_recipient", "refuses_mail"])
    async def test_refused_for_good_is_dead_at_once_and_pauses_nobody(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer, where: str
    ) -> None:
        setattr(smtp, where, "550 5.1.1 nobody here")
        row = await due(services)
        await mails.deliver(row.delivery_id)
        assert row.last_error == "the mail server refused the mail: 550"
        assert (row.state, services.outbox.paused, services.outbox.failed) == ("dead", {}, {})

    @pytest.mark.parametrize("where", ["refuses_recipient", "refuses_mail", "refuses_sender"])
    async def test_deferred_spends_an_attempt_with_long_back_off_and_pauses_nobody(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer, where: str
    ) -> None:
        setattr(smtp, where, "451 4.7.1 come again")
        row = await due(services)
        for attempt, seconds in enumerate((300, 900, 2700), start=1):
            await mails.deliver(row.delivery_id)
            assert (row.state, row.attempts) == ("pending", attempt)
            assert seconds * 0.75 - 5 < row.due - time.monotonic() <= seconds
            row.due = 0
        assert row.last_error == "the mail server deferred the mail: 451"
        assert (services.outbox.paused, services.outbox.failed) == ({}, {})

    @pytest.mark.parametrize(
        "age,state", [(timedelta(hours=47, minutes=59), "pending"), (timedelta(days=2), "dead")]
    )
    async def test_deferred_for_two_days_is_dead(
        self,
        mails: MailSender,
        services: FakeServices,
        smtp: FakeSmtpServer,
        age: timedelta,
        state: str,
    ) -> None:
        smtp.refuses_recipient = "451 4.7.1 come again"
        row = await due(services)
        row.envelope = row.envelope.model_copy(update={"occurred_at": now() - age})
        await mails.deliver(row.delivery_id)
        assert row.state == state
        assert row.due - time.monotonic() <= 60, "the last attempt is at the end of the two days"

    async def test_a_refused_sender_spends_an_attempt_and_counts_for_the_consumer(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        smtp.refuses_sender = "550 5.7.1 not from here"
        row = await due(services)
        await mails.deliver(row.delivery_id)
        assert (row.state, row.attempts) == ("pending", 1)
        assert services.outbox.failed == {"mail": {row.envelope.event_id}}

    @pytest.mark.parametrize(
        "where,reply",
        [("refuses_hello", "550 5.7.1 not you"), ("refuses_sender", "530 5.7.0 log in first")],
    )
    async def test_a_server_that_does_not_let_us_in_costs_none(
        self,
        mails: MailSender,
        services: FakeServices,
        smtp: FakeSmtpServer,
        where: str,
        reply: str,
    ) -> None:
        setattr(smtp, where, reply)
        row = await due(services)
        await mails.deliver(row.delivery_id)
        assert (row.state, row.attempts) == ("pending", 0)
        assert "mail" in services.outbox.paused

    async def test_a_server_out_of_reach_costs_none(
        self, settings: Settings, services: FakeServices, mails: MailSender
    ) -> None:
        mails._server = SmtpClient(settings.model_copy(update={"smtp_port": 1}))
        row = await due(services)
        await mails.deliver(row.delivery_id)
        assert (row.state, row.attempts) == ("pending", 0)

    async def test_a_server_that_refuses_the_password_costs_none(
        self, settings: Settings, services: FakeServices, mails: MailSender
    ) -> None:
        (settings.secrets_dir / "smtp.password").write_text("wrong")
        mails._server = SmtpClient(settings.model_copy(update={"smtp_user": "mailer"}))
        row = await due(services)
        await mails.deliver(row.delivery_id)
        assert (row.state, row.attempts) == ("pending", 0)


class TestLease:
    async def test_a_mail_longer_than_the_lease_is_sent_once(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        smtp.seconds = services.outbox.lease_seconds * 1.5
        row = await due(services)
        working = asyncio.create_task(mails.deliver(row.delivery_id))
        await smtp.arriving.wait()
        await mails.deliver(row.delivery_id)
        await working
        assert (len(smtp.mails), row.state) == (1, "done")

    async def test_a_delivery_that_another_took_is_not_completed(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        smtp.seconds = 1
        row = await due(services)
        working = asyncio.create_task(mails.deliver(row.delivery_id))
        await smtp.arriving.wait()
        row.due = 0
        other = await services.outbox.take(row.delivery_id)
        await working
        assert row.state == "leased"
        assert row.lease_token == other.lease_token

    async def test_a_mail_that_is_sent_again_has_the_same_message_id_and_link(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer
    ) -> None:
        row = await due(services)
        await mails.deliver(row.delivery_id)
        row.state, row.due = "sent", 0
        await mails.deliver(row.delivery_id)
        first, second = smtp.mails
        assert first["Message-ID"] == second["Message-ID"]
        assert text_of(first, "plain") == text_of(second, "plain")

    @pytest.mark.parametrize("state", ["done", "dead"])
    async def test_a_delivery_that_is_over_is_left_alone(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer, state: str
    ) -> None:
        row = await due(services)
        row.state = state
        await mails.deliver(row.delivery_id)
        assert smtp.mails == []

    async def test_a_mail_that_hangs_is_given_up_in_time(
        self, mails: MailSender, services: FakeServices, smtp: FakeSmtpServer, settings: Settings
    ) -> None:
        smtp.seconds = 60
        row = await due(services)
        mails._settings = settings.model_copy(update={"mail_seconds": 0.2})
        mails._server = SmtpClient(settings.model_copy(update={"smtp_timeout": 1}))
        async with asyncio.timeout(10):
            await mails.deliver(row.delivery_id)
        assert (row.state, row.attempts) == ("pending", 0)
        await until(lambda: services.outbox.postponed == 1)
