from datetime import UTC, datetime
from uuid import uuid4

import pytest

from mailing.mail_message import (
    ADDRESS_TAKEN,
    CONFIRM_ADDRESS,
    MailTemplate,
    compose,
    verification_link,
)
from settings import Settings
from shared.models.event import EventEnvelope


@pytest.fixture
def cause() -> EventEnvelope:
    return EventEnvelope(
        event_id=uuid4(),
        event_type="user.registered",
        occurred_at=datetime.now(UTC),
        correlation_id="correlation-of-test",
        payload={},
    )


class TestCompose:
    @pytest.mark.parametrize("template", [CONFIRM_ADDRESS, ADDRESS_TAKEN])
    def test_says_the_same_in_text_and_html(
        self, template: MailTemplate, cause: EventEnvelope, settings: Settings
    ) -> None:
        mail = compose(template, "ada@example.org", cause, settings, "http://here/?a=1&b=2")
        text, html = mail.iter_parts()
        assert text.get_content_type() == "text/plain"
        assert "http://here/?a=1&b=2" in str(text.get_content())
        assert html.get_content_type() == "text/html"
        assert 'href="http://here/?a=1&amp;b=2"' in str(html.get_content())

    def test_an_address_can_not_add_a_header(
        self, cause: EventEnvelope, settings: Settings
    ) -> None:
        with pytest.raises(ValueError, match="invalid"):
            compose(CONFIRM_ADDRESS, "ada@example.org\nBcc: eve@x.org", cause, settings, "link")


class TestVerificationLink:
    def test_escapes_the_token(self, settings: Settings) -> None:
        link = verification_link("a+b/c=", settings)
        assert link == "http://127.0.0.1:8000/app/confirm?token=a%2Bb%2Fc%3D"
