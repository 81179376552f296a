import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


class FakeSmtpServer:
    """A real SMTP server that keeps what it gets.

    It takes `seconds` for a mail, or until `go_on` is set, and refuses with the reply
    `refuses_mail`, `refuses_recipient`, `refuses_sender` or `refuses_hello`.
    """

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.arriving = asyncio.Event()
        self.seconds = 0.0
        self.go_on = asyncio.Event()
        self.under_way = 0
        self.refuses_mail: str | None = None
        self.refuses_recipient: str | None = None
        self.refuses_sender: str | None = None
        self.refuses_hello: str | None = None

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [self.refuses_hello] if self.refuses_hello else lines

    async def handle_HELO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str
    ) -> str:
        session.host_name = hostname
        return self.refuses_hello or "250 test"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses_sender:
            return self.refuses_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses_recipient:
            return self.refuses_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.arriving.set()
        if self.refuses_mail:
            return self.refuses_mail
        self.under_way += 1
        with suppress(TimeoutError):
            await asyncio.wait_for(self.go_on.wait(), self.seconds)
        self.under_way -= 1
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@asynccontextmanager
async def mail_server() -> AsyncIterator[FakeSmtpServer]:
    """A mail server on a free port."""
    fake = FakeSmtpServer()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(fake, hostname="test", ident="test"), "127.0.0.1", 0
    )
    fake.port = server.sockets[0].getsockname()[1]
    async with server:
        yield fake
