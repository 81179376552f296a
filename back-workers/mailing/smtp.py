from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)

from delivery_handler import DeliveryFailed, Undeliverable
from settings import Settings
from shared.kit.errors import Unavailable

PERMANENT = 500
"""Replies from 500 on are permanent failures (RFC 5321)."""

_LOG_IN_FIRST = frozenset({530, 534, 535, 538})
"""Replies that ask for a log-in or refuse one (RFC 4954)."""


class MailDeferred(Exception):
    """The server refuses this mail for now: a 4xx to its sender, recipient or content."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the mail server deferred the mail: {code}")


class SmtpClient:
    """Sends mails over SMTP, one connection for each mail."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._password = settings.secret("smtp.password") if settings.smtp_user else None

    async def send(self, message: EmailMessage) -> None:
        """Send one mail.

        Raises:
            Unavailable: the server can't be reached, breaks the connection, or refuses the
                greeting or the log-in.
            MailDeferred: it refuses this mail for now (4xx).
            Undeliverable: it refuses the recipient or the content for good (5xx).
            DeliveryFailed: it refuses our sender for good, which is no fault of this mail.
        """
        server = SMTP(
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            username=self._settings.smtp_user,
            password=self._password,
            use_tls=self._settings.smtp_security == "tls",
            start_tls=self._settings.smtp_security == "starttls",
            local_hostname=self._settings.public_host,
            timeout=self._settings.smtp_timeout,
        )
        try:
            async with server:
                await _send(server, message)
        except (SMTPException, OSError) as error:
            raise Unavailable("The mail server can't take mail at present.") from error


async def _send(server: SMTP, message: EmailMessage) -> None:
    try:
        await server.send_message(message)
    except SMTPRecipientsRefused as refused:
        raise _refusal(refused.recipients[0]) from refused
    except (SMTPSenderRefused, SMTPDataError) as refused:
        raise _refusal(refused) from refused
    except SMTPNotSupported:
        raise Undeliverable("the mail server takes no such address") from None


def _refusal(refused: SMTPRecipientRefused | SMTPSenderRefused | SMTPDataError) -> Exception:
    code = refused.code
    if code in _LOG_IN_FIRST:
        return refused
    if code < PERMANENT:
        return MailDeferred(code)
    if isinstance(refused, SMTPSenderRefused):
        return DeliveryFailed(f"the mail server refused our sender: {code}")
    return Undeliverable(f"the mail server refused the mail: {code}")
