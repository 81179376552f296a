"""What a raw mail says: addresses, subject and bodies, in plain values."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape

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
    """A part of a mail that is not its body; `size` in bytes, decoded."""

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
        message = message_from_bytes(raw)
        leaves = list(_leaves(message))
    except RecursionError as error:
        raise UnreadableMail("the parts are nested too deeply") from error
    bodies = {"text/plain": "", "text/html": ""}
    attachments: list[Attachment] = []
    for part_id, part in leaves:
        content_type = part.get_content_type()
        if _is_attachment(part) or content_type not in bodies:
            attachments.append(_attachment(part_id, part))
        elif not bodies[content_type]:
            bodies[content_type] = _text(part)
    senders = _addresses(message, "From")
    return Mail(
        message_id=_first(message, "Message-ID").strip("<> "),
        correlation_id=_first(message, "X-Correlation-ID"),
        return_path=_first(message, "Return-Path").strip("<> "),
        sender=senders[0] if senders else Address("", ""),
        to=_addresses(message, "To"),
        cc=_addresses(message, "Cc"),
        bcc=_addresses(message, "Bcc"),
        reply_to=_addresses(message, "Reply-To"),
        subject=_first(message, "Subject"),
        date=_date(message),
        text=bodies["text/plain"],
        html=bodies["text/html"],
        attachments=attachments,
        headers=_headers(message),
    )


def _leaves(message: Message, part_id: str = "") -> list[tuple[str, Message]]:
    payload = message.get_payload()
    if message.get_content_maintype() != "multipart" or not isinstance(payload, list):
        return [(part_id or "1", message)]
    prefix = f"{part_id}." if part_id else ""
    return [
        leaf
        for number, part in enumerate(payload, 1)
        if isinstance(part, Message)
        for leaf in _leaves(part, f"{prefix}{number}")
    ]


def _is_attachment(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _attachment(part_id: str, part: Message) -> Attachment:
    content = _content(part)
    content_id = _first(part, "Content-ID").strip("<> ")
    return Attachment(
        part_id=part_id,
        file_name=_decoded(part.get_filename() or ""),
        content_type=part.get_content_type(),
        content_id=content_id,
        size=len(content),
        inline=bool(content_id) and part.get_content_disposition() != "attachment",
    )


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Message) -> str:
    content = _content(part)
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def _decoded(value: object) -> str:
    """A header's text with its encoded words decoded; as it stands when they are malformed."""
    try:
        decoded = str(make_header(decode_header(value)))  # type: ignore[arg-type]
    except (LookupError, ValueError, HeaderParseError):
        decoded = str(value)
    return decoded.encode("utf-8", errors="replace").decode()


def _first(message: Message, name: str) -> str:
    return " ".join(_decoded(message.get(name, "")).split())


def _headers(message: Message) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in message.items():
        headers.setdefault(name.title(), []).append(_decoded(value))
    return headers


def _addresses(message: Message, name: str) -> list[Address]:
    # The addresses are split before their names are decoded: an encoded name may hold a comma.
    pairs = getaddresses([str(value) for value in message.get_all(name, [])])
    return [Address(_decoded(display), address) for display, address in pairs if address]


def _date(message: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(_first(message, "Date"))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
