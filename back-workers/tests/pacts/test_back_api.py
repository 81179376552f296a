"""What back-workers reads of the events that back-api publishes: whose they are."""

from collections.abc import Iterator

import pytest

from mailing.mail_sender import (
    MailSender,
    ServiceMailTokens,
    ServiceRecipients,
    ServiceRegistrations,
    ServiceTimeline,
)
from mailing.smtp import SmtpClient
from relay.consumers import live
from settings import Settings
from shared.models.event import EventEnvelope
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.pacts import ConsumerPact, recorded
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_services import FakeServices
from tests.fake_smtp_server import FakeSmtpServer
from tests.pacts.events import USER, delivery, read_envelope


@pytest.fixture(scope="module")
def pact(request: pytest.FixtureRequest) -> Iterator[ConsumerPact]:
    with recorded(request, "back-workers", "back-api") as pact:
        yield pact


async def test_a_mail_is_written_to_the_address_of_the_registration(
    pact: ConsumerPact,
    services: FakeServices,
    outbox: FakeOutboxClient,
    keys: Identities,
    settings: Settings,
    smtp: FakeSmtpServer,
) -> None:
    settings = settings.model_copy(update={"smtp_port": smtp.port})
    client = keys.client("back-workers", "back-postgres", AsgiTransport(services.app()))
    auth = keys.client("back-workers", "back-auth", AsgiTransport(services.app()))
    services.add_registration(USER)
    async with pact.message("user.registered", read_envelope("user.registered")) as text:
        due = outbox.add("mail")
        due.envelope = EventEnvelope.model_validate_json(text)
        mails = MailSender(
            outbox,
            ServiceRegistrations(client),
            ServiceMailTokens(auth),
            ServiceRecipients(client),
            ServiceTimeline(client),
            SmtpClient(settings),
            settings=settings,
        )
        await mails.deliver(due.delivery_id)
    assert len(smtp.mails) == 1


@pytest.mark.parametrize("event_type", ["profile.created", "profile.updated", "user.role.changed"])
async def test_an_event_is_published_to_the_user(
    pact: ConsumerPact, services: FakeServices, keys: Identities, event_type: str
) -> None:
    redis = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
    async with pact.message(event_type, read_envelope(event_type)) as text:
        envelope = EventEnvelope.model_validate_json(text)
        event = delivery("live", event_type).model_copy(update={"envelope": envelope})
        await live(redis)(event)
    (published,) = services.published
    assert published.user_id == USER
