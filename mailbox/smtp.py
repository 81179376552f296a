import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import format_datetime, localtime

from aiosmtpd.smtp import SMTP, Envelope, Session

from mail import UnreadableMail, parse
from mail_folder import MailFolder
from settings import Settings

log = logging.getLogger("mailbox.smtp")

_REFUSED = re.compile(r"reject-([45]\d\d)(?:[+-].*)?@", re.IGNORECASE)


@asynccontextmanager
async def receiving(settings: Settings, folder: MailFolder) -> AsyncIterator[asyncio.Server]:
    """An SMTP server that puts each mail into the folder. Raises OSError for a port in use."""
    handler = Receiver(folder)

    def session() -> SMTP:
        return SMTP(
            handler,
            data_size_limit=settings.largest_mail,
            enable_SMTPUTF8=True,
            hostname="mailbox",
            ident="mailbox",
        )

    server = await asyncio.get_running_loop().create_server(
        session, settings.smtp_host, settings.smtp_port
    )
    async with server:
        yield server


class Receiver:
    """aiosmtpd's handler: the method's name and arguments are its protocol."""

    def __init__(self, folder: MailFolder) -> None:
        self._folder = folder

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes every recipient but `reject-<code>@…`, which is refused with that SMTP code."""
        if refused := _REFUSED.match(address):
            code = refused[1]
            return f"{code} {code[0]}.1.1 this address is refused as its name says"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        if not isinstance(content, bytes):
            raise TypeError("aiosmtpd decoded the mail")
        try:
            raw = await asyncio.to_thread(delivered, content, envelope, session.host_name or "")
            mail = await self._folder.add(raw)
        except UnreadableMail as error:
            return f"554 5.6.0 {error}"
        except OSError:
            log.exception("mail_not_stored")
            return "452 4.3.1 the mail could not be stored"
        log.info(
            "mail_received",
            extra={
                "mail_id": mail.id,
                "message_id": mail.summary.message_id,
                "correlation_id": mail.summary.correlation_id,
                "size": mail.size,
            },
        )
        return f"250 2.0.0 stored as {mail.id}"


def delivered(content: bytes, envelope: Envelope, host_name: str) -> bytes:
    """The mail with the trace lines of a final delivery (RFC 5321, section 4.4).

    Recipients that the mail itself does not name become its Bcc, as in Mailpit.
    """
    mail = parse(content)
    named = {one.address.casefold() for one in [*mail.to, *mail.cc, *mail.bcc]}
    hidden = [one for one in envelope.rcpt_tos if one.casefold() not in named]
    trace = [
        f"Return-Path: <{envelope.mail_from or ''}>",
        f"Received: from {host_name} by mailbox; {format_datetime(localtime())}",
        *([f"Bcc: {', '.join(hidden)}"] if hidden and not mail.bcc else []),
    ]
    return "".join(f"{line}\r\n" for line in trace).encode(errors="replace") + content
