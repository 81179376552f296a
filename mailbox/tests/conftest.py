import smtplib
import socket
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from main import app

BASE_URL = "http://127.0.0.1:8025"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Settings of a mailbox of its own; answers its SMTP port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    monkeypatch.setenv("MAILBOX_DIR", str(tmp_path / "mails"))
    monkeypatch.setenv("SMTP_PORT", str(port))
    return port


@pytest.fixture
def mailbox(environment: int) -> Iterator[TestClient]:
    with TestClient(app(), base_url=BASE_URL, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def send(environment: int) -> Callable[..., None]:
    """Sends a mail, an EmailMessage or raw bytes, by SMTP to the running mailbox."""

    def send(
        mail: EmailMessage | bytes,
        to: tuple[str, ...] = ("ana@example.com",),
        sender: str = "app@example.com",
    ) -> None:
        with smtplib.SMTP("127.0.0.1", environment, timeout=30) as smtp:
            if isinstance(mail, bytes):
                smtp.sendmail(sender, to, mail)
            else:
                smtp.send_message(mail, sender, to)

    return send


@pytest.fixture
def text_mail() -> Callable[..., EmailMessage]:
    def text_mail(subject: str = "Hello", body: str = "Hi Ana", **headers: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = "The App <app@example.com>"
        mail["To"] = "Ana <ana@example.com>"
        mail["Subject"] = subject
        mail.set_content(body)
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        return mail

    return text_mail
