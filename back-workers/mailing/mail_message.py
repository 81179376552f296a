"""Composes mails, plain text and HTML, from the files in `templates/`."""

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import urlencode

from settings import Settings
from shared.models.event import EventEnvelope


@dataclass(frozen=True)
class MailTemplate:
    """A kind of mail: its subject and the name of its two files in `templates/`."""

    subject: str
    name: str


CONFIRM_ADDRESS = MailTemplate("Confirm your address", "confirm_address")
ADDRESS_TAKEN = MailTemplate("Somebody tried to register with your address", "address_taken")


def compose(
    template: MailTemplate, recipient: str, cause: EventEnvelope, settings: Settings, link: str
) -> EmailMessage:
    """The mail for the event `cause`; its Message-ID is made from the event's id."""
    name, sender = parseaddr(settings.mail_from)
    message = EmailMessage()
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = template.subject
    message["Date"] = localtime()
    message["Message-ID"] = f"<{cause.event_id}@{settings.public_host}>"
    message["X-Correlation-ID"] = cause.correlation_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_filled(f"{template.name}.txt", link))
    message.add_alternative(_filled(f"{template.name}.html", escape(link)), subtype="html")
    return message


def verification_link(token: str, settings: Settings) -> str:
    """The link of the confirmation mail; opening it confirms nothing yet."""
    return f"{_base(settings)}/auth/verify-email?{urlencode({'token': token})}"


def home_link(settings: Settings) -> str:
    return f"{_base(settings)}/app"


def _base(settings: Settings) -> str:
    return settings.public_base_url.rstrip("/")


def _filled(template: str, link: str) -> str:
    text = files("mailing").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(link=link)
