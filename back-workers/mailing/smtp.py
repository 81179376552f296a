from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from delivery_handler import Undeliverable
from settings import Settings
from shared.kit.errors import Unavailable

PERMANENT = 500
"""Replies from 500 on are permanent failures (RFC 5321)."""


class SmtpClient:
    """Sends mails over SMTP, one connection for each mail."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._password = settings.secret("smtp.password") if settings.smtp_user else None

    async def send(self, message: EmailMessage) -> None:
        """Send one mail.

        Raises:
            Unavailable: the server can't be reached, refuses the log-in, or answers 4xx.
            Undeliverable: the server refuses this mail for good (5xx).
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
                await server.send_message(message)
        except (SMTPException, OSError) as error:
            code = _permanent_code(error)
            if code is None:
                raise Unavailable("The mail server can't take mail at present.") from error
            raise Undeliverable(f"the mail server refused the mail: {code}") from error


def _permanent_code(error: Exception) -> int | None:
    """The reply code of a permanent failure, else None."""
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPAuthenticationError):
        return None
    if isinstance(error, SMTPResponseException) and error.code >= PERMANENT:
        return error.code
    return None
