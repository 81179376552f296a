"""What a mail says: plain text and HTML, from the templates beside this file."""

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
class Letter:
    """A kind of mail: its subject and the name of its two templates."""

    subject: str
    template: str


CONFIRM_ADDRESS = Letter("Confirm your address", "confirm_address")
ADDRESS_TAKEN = Letter("Somebody tried to register with your address", "address_taken")


def compose(
    letter: Letter, recipient: str, cause: EventEnvelope, settings: Settings, link: str
) -> EmailMessage:
    """The mail that `cause` asks for: the same event always has the same Message-ID."""
    name, sender = parseaddr(settings.mail_from)
    message = EmailMessage()
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = letter.subject
    message["Date"] = localtime()
    message["Message-ID"] = f"<{cause.event_id}@{settings.public_host}>"
    message["X-Correlation-ID"] = cause.correlation_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_filled(f"{letter.template}.txt", link))
    message.add_alternative(_filled(f"{letter.template}.html", escape(link)), subtype="html")
    return message


def verification_link(token: str, settings: Settings) -> str:
    """Where the confirmation mail leads; opening it confirms nothing yet."""
    return f"{_base(settings)}/auth/verify-email?{urlencode({'token': token})}"


def home_link(settings: Settings) -> str:
    return f"{_base(settings)}/app"


def _base(settings: Settings) -> str:
    return settings.public_base_url.rstrip("/")


def _filled(template: str, link: str) -> str:
    text = files("mailing").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(link=link)
