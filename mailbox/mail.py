"""What a raw mail says: addresses, subject and bodies, in plain values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from html import unescape

from imap_tools import EmailAddress, MailAttachment, MailMessage
from imap_tools.consts import DEFAULT_EMAIL_DATE

SNIPPET_CHARACTERS = 250
SNIPPET_SOURCE_CHARACTERS = 20_000
INVISIBLE_HTML = re.compile(r"<(style|script|head)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class UnreadableMail(Exception):
    """The mail is nested too deeply to be read."""


@dataclass(frozen=True)
class Address:
    name: str
    address: str


@dataclass(frozen=True)
class Attachment:
    """A part of a mail that is not its body: `part_id` counts them, `size` in bytes, decoded."""

    part_id: str
    file_name: str
    content_type: str
    content_id: str
    size: int
    inline: bool


@dataclass(frozen=True)
class Mail:
    """One parsed mail. `date` is the sender's, None when absent or malformed."""

    message_id: str
    correlation_id: str
    return_path: str
    sender: Address
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    reply_to: list[Address]
    subject: str
    date: datetime | None
    text: str
    html: str
    attachments: list[Attachment]
    headers: dict[str, list[str]] = field(repr=False)

    @property
    def snippet(self) -> str:
        source = self.text or unescape(
            INVISIBLE_HTML.sub(" ", self.html[:SNIPPET_SOURCE_CHARACTERS])
        )
        return " ".join(source[:SNIPPET_SOURCE_CHARACTERS].split())[:SNIPPET_CHARACTERS]


def parse(raw: bytes) -> Mail:
    """Read a raw mail however malformed it is.

    Raises UnreadableMail for parts nested deeper than the parser can follow.
    """
    try:
        read = MailMessage.from_bytes(raw)
        text, html, attachments = read.text, read.html, read.attachments
    except RecursionError as error:
        raise UnreadableMail("the parts are nested too deeply") from error
    headers: dict[str, list[str]] = {}
    for name, value in read.obj.items():
        headers.setdefault(name.title(), []).append(_decoded(value))

    def first(name: str) -> str:
        return " ".join(headers.get(name, [""])[0].split())

    date = None if read.date == DEFAULT_EMAIL_DATE else read.date
    return Mail(
        message_id=first("Message-Id").strip("<> "),
        correlation_id=first("X-Correlation-Id"),
        return_path=first("Return-Path").strip("<> "),
        sender=next(iter(_addresses(filter(None, [read.from_values]))), Address("", "")),
        to=_addresses(read.to_values),
        cc=_addresses(read.cc_values),
        bcc=_addresses(read.bcc_values),
        reply_to=_addresses(read.reply_to_values),
        subject=first("Subject"),
        date=date.replace(tzinfo=date.tzinfo or UTC) if date else None,
        text=text,
        html=html,
        attachments=[_attachment(number, it) for number, it in enumerate(attachments, 1)],
        headers=headers,
    )


def _attachment(number: int, part: MailAttachment) -> Attachment:
    return Attachment(
        part_id=str(number),
        file_name=part.filename,
        content_type=part.content_type,
        content_id=part.content_id,
        size=part.size,
        inline=bool(part.content_id) and part.content_disposition != "attachment",
    )


def _addresses(found: Iterable[EmailAddress]) -> list[Address]:
    return [Address(it.name, it.email) for it in found if it.email]


def _decoded(value: object) -> str:
    """A header's text with its encoded words decoded; as it stands when they are malformed."""
    try:
        decoded = str(make_header(decode_header(value)))  # type: ignore[arg-type]
    except (LookupError, ValueError, HeaderParseError):
        decoded = str(value)
    return decoded.encode("utf-8", errors="replace").decode()
