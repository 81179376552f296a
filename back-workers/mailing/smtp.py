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
"""From here on, the replies of RFC 5321 mean: never."""


class MailServer:
    """The mail server that takes our mails, one connection a mail."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._password = settings.secret("smtp.password") if settings.smtp_user else None

    async def send(self, message: EmailMessage) -> None:
        """Hand one mail over.

        Raises:
            Unavailable: the server is out of reach, won't let us in, or says to come again (4xx).
            Undeliverable: the server will never take this mail (5xx).
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
    """The reply code, where the server refused this mail for good."""
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPAuthenticationError):
        return None
    if isinstance(error, SMTPResponseException) and error.code >= PERMANENT:
        return error.code
    return None
