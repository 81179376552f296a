"""Composes mails, plain text and HTML, from the files in `templates/`."""

from collections.abc import Mapping
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


LANGUAGES = ("en", "es")
"""Those of the templates of notifications; any other language is told in the first."""


def notification(title: str, language: str) -> MailTemplate:
    """The template of a notification, whose title is the subject."""
    return MailTemplate(title, f"notification_{_known(language)}")


_DIGEST_SUBJECTS = {"en": "Your notifications of the day", "es": "Tus notificaciones del día"}


def digest(language: str) -> MailTemplate:
    """The template of a digest."""
    known = _known(language)
    return MailTemplate(_DIGEST_SUBJECTS[known], f"digest_{known}")


_RESET_SUBJECTS = {"en": "Set another password", "es": "Elige otra contraseña"}


def password_reset(language: str) -> MailTemplate:
    """The template of the mail to somebody who forgot the password."""
    known = _known(language)
    return MailTemplate(_RESET_SUBJECTS[known], f"password_reset_{known}")


def compose(
    template: MailTemplate,
    recipient: str,
    cause: EventEnvelope,
    settings: Settings,
    link: str,
    texts: Mapping[str, str] | None = None,
) -> EmailMessage:
    """The mail for the event `cause`; its Message-ID is made from the event's id.

    `link` and `texts` take the places of the template's placeholders; lines of a text stay lines.
    """
    values = {**(texts or {}), "link": link, "preferences": preferences_link(settings)}
    name, sender = parseaddr(settings.mail_from)
    message = EmailMessage()
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = template.subject
    message["Date"] = localtime()
    message["Message-ID"] = f"<{cause.event_id}@{settings.public_host}>"
    message["X-Correlation-ID"] = cause.correlation_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_filled(f"{template.name}.txt", values))
    escaped = {name: escape(text).replace("\n", "<br>\n") for name, text in values.items()}
    message.add_alternative(_filled(f"{template.name}.html", escaped), subtype="html")
    return message


def verification_link(token: str, settings: Settings) -> str:
    """The link of the confirmation mail; opening it confirms nothing yet."""
    return f"{_base(settings)}/app/confirm?{urlencode({'token': token})}"


def reset_link(token: str, settings: Settings) -> str:
    """The page that asks for another password and posts it with the token."""
    return f"{_base(settings)}/app/password-reset?{urlencode({'token': token})}"


def home_link(settings: Settings) -> str:
    return f"{_base(settings)}/app"


def preferences_link(settings: Settings) -> str:
    """Where a user chooses which mails to get."""
    return f"{_base(settings)}/app/notifications/preferences"


def _known(language: str) -> str:
    return language if language in LANGUAGES else LANGUAGES[0]


def _base(settings: Settings) -> str:
    return settings.public_base_url.rstrip("/")


def _filled(template: str, values: Mapping[str, str]) -> str:
    text = files("mailing").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(values)
