import json
import logging.config
import smtplib
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from main import app
from tests.conftest import BASE_URL

Send = Callable[..., None]
TextMail = Callable[..., EmailMessage]


def listed(mailbox: TestClient, **query: object) -> list[dict[str, object]]:
    answer = mailbox.get("/api/v1/messages", params={k: str(v) for k, v in query.items()})
    assert answer.status_code == 200
    messages: list[dict[str, object]] = answer.json()["messages"]
    return messages


class TestReceive:
    def test_a_sent_mail_is_listed_in_mailpits_shape(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        send(
            text_mail(
                Cc="Bo <bo@example.com>", Reply_To="help@example.com", Message_ID="<1@example.com>"
            ),
            to=("ana@example.com", "bo@example.com"),
        )

        page = mailbox.get("/api/v1/messages").json()

        [message] = page.pop("messages")
        assert page == {
            "total": 1,
            "unread": 1,
            "count": 1,
            "messages_count": 1,
            "messages_unread": 1,
            "start": 0,
            "tags": [],
        }
        assert datetime.fromisoformat(message.pop("Created")).tzinfo
        assert message.pop("ID")
        assert message.pop("Size") > 100
        assert message == {
            "MessageID": "1@example.com",
            "Read": False,
            "From": {"Name": "The App", "Address": "app@example.com"},
            "To": [{"Name": "Ana", "Address": "ana@example.com"}],
            "Cc": [{"Name": "Bo", "Address": "bo@example.com"}],
            "Bcc": [],
            "ReplyTo": [{"Name": "", "Address": "help@example.com"}],
            "Subject": "Hello",
            "Tags": [],
            "Attachments": 0,
            "Snippet": "Hi Ana",
        }

    def test_recipients_that_the_mail_does_not_name_are_its_bcc(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        send(text_mail(), to=("ana@example.com", "secret@example.com"))

        [message] = listed(mailbox)

        assert message["Bcc"] == [{"Name": "", "Address": "secret@example.com"}]

    @pytest.mark.parametrize(
        "address, code",
        [
            ("reject-550@example.com", 550),
            ("Reject-450-a1@example.com", 450),
            ("reject-554+x@example.com", 554),
        ],
    )
    def test_a_recipient_who_is_named_so_is_refused(
        self, mailbox: TestClient, send: Send, text_mail: TextMail, address: str, code: int
    ) -> None:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(text_mail(), to=(address,))

        assert refused.value.recipients[address][0] == code
        assert not listed(mailbox)

    def test_only_that_recipient_is_refused(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        send(text_mail(), to=("ana@example.com", "reject-550@example.com", "reject-5@example.com"))

        [message] = listed(mailbox)
        assert message["Bcc"] == [{"Name": "", "Address": "reject-5@example.com"}]

    def test_a_mail_over_the_limit_is_refused(
        self,
        environment: int,
        send: Send,
        text_mail: TextMail,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("LARGEST_MAIL", "2000")
        with TestClient(app(), base_url=BASE_URL) as mailbox:
            with pytest.raises(smtplib.SMTPResponseException) as refused:
                send(text_mail(body="long\n" * 1000))
            assert refused.value.smtp_code == 552
            assert listed(mailbox) == []

    def test_a_full_disk_is_a_temporary_refusal(
        self,
        mailbox: TestClient,
        send: Send,
        text_mail: TextMail,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def full(self: Path, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(text_mail())
        assert refused.value.smtp_code == 452

    def test_a_mail_nested_too_deeply_is_refused(self, mailbox: TestClient, send: Send) -> None:
        levels = 3000
        nested = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(levels)
        )
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(nested)
        assert refused.value.smtp_code == 554

    def test_the_log_tells_the_correlation_id_and_no_address(
        self,
        environment: int,
        send: Send,
        text_mail: TextMail,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        logging.config.dictConfig(json.loads(Path("logging.json").read_text()))
        with TestClient(app(), base_url=BASE_URL):
            send(text_mail(X_Correlation_ID="abc-123", Message_ID="<m@host>"))

        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

        [received] = [line for line in lines if line["event"] == "mail_received"]
        assert (received["correlation_id"], received["message_id"]) == ("abc-123", "m@host")
        assert "example.com" not in str(received)


class TestList:
    def test_newest_first_by_pages(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        for number in range(5):
            send(text_mail(subject=f"mail {number}"))

        page = mailbox.get("/api/v1/messages", params={"start": 1, "limit": 2}).json()

        assert [one["Subject"] for one in page["messages"]] == ["mail 3", "mail 2"]
        assert (page["total"], page["count"], page["start"]) == (5, 2, 1)

    @pytest.mark.parametrize("path", ["/api/v1/messages", "/api/v1/search"])
    def test_a_query_finds_mails_with_all_its_words(
        self, mailbox: TestClient, send: Send, text_mail: TextMail, path: str
    ) -> None:
        send(text_mail(subject="Confirm your address"))
        send(text_mail(subject="Welcome"))

        page = mailbox.get(path, params={"query": "confirm ANA@example.com"}).json()

        assert [one["Subject"] for one in page["messages"]] == ["Confirm your address"]
        assert (page["total"], page["messages_count"]) == (2, 1)

    @pytest.mark.parametrize("query", [{"start": -1}, {"limit": "many"}, {"limit": 1001}])
    def test_bad_pages_are_refused(self, mailbox: TestClient, query: dict[str, str]) -> None:
        answer = mailbox.get("/api/v1/messages", params=query)

        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", next(iter(query))]


class TestOpen:
    def test_a_mail_with_both_bodies_and_an_attachment(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        mail = text_mail(body="plain", Date="Sat, 21 Nov 2026 10:00:00 +0200")
        mail.add_alternative("<b>rich</b>", subtype="html")
        mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="bill é.pdf")
        send(mail)

        message = mailbox.get("/api/v1/message/latest").json()

        assert (message["Text"].strip(), message["HTML"].strip()) == ("plain", "<b>rich</b>")
        assert message["Date"] == "2026-11-21T10:00:00+02:00"
        assert message["ReturnPath"] == "app@example.com"
        assert message["Inline"] == []
        assert message["Attachments"] == [
            {
                "PartID": "1",
                "FileName": "bill é.pdf",
                "ContentType": "application/pdf",
                "ContentID": "",
                "Size": 5,
            }
        ]

    def test_opening_marks_as_read(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        send(text_mail())
        [message] = listed(mailbox)

        mailbox.get(f"/api/v1/message/{message['ID']}")

        assert mailbox.get("/api/v1/messages").json()["unread"] == 0

    def test_headers_keep_every_value(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        mail = text_mail(subject="¡Hola!")
        mail["X-Step"] = "one"
        mail["X-Step"] = "two"
        send(mail)

        headers = mailbox.get("/api/v1/message/latest/headers").json()

        assert headers["X-Step"] == ["one", "two"]
        assert headers["Subject"] == ["¡Hola!"]

    def test_raw_is_the_mail_after_its_trace_lines(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        send(text_mail(body="as it came"))

        raw = mailbox.get("/api/v1/message/latest/raw")

        assert raw.headers["content-type"] == "text/plain; charset=utf-8"
        assert raw.text.startswith("Return-Path: <app@example.com>\r\nReceived: from ")
        assert raw.text.endswith("\r\n\r\nas it came\r\n")

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/message/none",
            "/api/v1/message/latest",
            "/api/v1/message/none/headers",
            "/api/v1/message/none/raw",
            "/api/v1/message/..%2F..%2Fsecret/raw",
            "/view/none",
            "/view/none.html",
            "/nothing",
        ],
    )
    def test_what_is_not_there_is_not_found(self, mailbox: TestClient, path: str) -> None:
        assert mailbox.get(path).status_code == 404

    def test_a_file_that_was_removed_is_not_found(
        self, mailbox: TestClient, send: Send, text_mail: TextMail, tmp_path: Path
    ) -> None:
        send(text_mail())
        next((tmp_path / "mails").glob("*.eml")).unlink()

        assert mailbox.get("/api/v1/message/latest").status_code == 404

    def test_a_failure_is_answered_without_detail(
        self,
        mailbox: TestClient,
        send: Send,
        text_mail: TextMail,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        send(text_mail())

        def broken(self: Path) -> bytes:
            raise PermissionError("/secret/path")

        monkeypatch.setattr(Path, "read_bytes", broken)
        answer = mailbox.get("/api/v1/message/latest")

        assert answer.status_code == 500
        assert "secret" not in answer.text


class TestDelete:
    def test_all(
        self, mailbox: TestClient, send: Send, text_mail: TextMail, tmp_path: Path
    ) -> None:
        send(text_mail())
        send(text_mail())

        answer = mailbox.delete("/api/v1/messages")

        assert (answer.status_code, answer.text) == (200, "ok")
        assert listed(mailbox) == []
        assert list((tmp_path / "mails").iterdir()) == []

    def test_some(self, mailbox: TestClient, send: Send, text_mail: TextMail) -> None:
        send(text_mail(subject="first"))
        send(text_mail(subject="second"))
        first = listed(mailbox)[1]["ID"]

        mailbox.request("DELETE", "/api/v1/messages", json={"IDs": [first, "unknown"]})

        assert [one["Subject"] for one in listed(mailbox)] == ["second"]


class TestKeep:
    def test_a_restart_keeps_the_mails(
        self, environment: int, send: Send, text_mail: TextMail, tmp_path: Path
    ) -> None:
        with TestClient(app(), base_url=BASE_URL) as mailbox:
            send(text_mail())
            [before] = listed(mailbox)
        (tmp_path / "mails" / "half-written.part").write_bytes(b"From:")
        (tmp_path / "mails" / "stranger.eml").write_bytes(b"From:")

        with TestClient(app(), base_url=BASE_URL) as mailbox:
            assert listed(mailbox) == [before]
        assert not (tmp_path / "mails" / "half-written.part").exists()

    @pytest.mark.parametrize("bound", [("KEPT_MAILS", "3"), ("KEPT_BYTES", "20000")])
    def test_the_oldest_go_first(
        self,
        environment: int,
        send: Send,
        text_mail: TextMail,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        bound: tuple[str, str],
    ) -> None:
        monkeypatch.setenv(*bound)
        with TestClient(app(), base_url=BASE_URL) as mailbox:
            for number in range(5):
                send(text_mail(subject=f"mail {number}", body="0123456789\n" * 500))

            subjects = [one["Subject"] for one in listed(mailbox)]

        assert subjects == ["mail 4", "mail 3", "mail 2"]
        assert len(list((tmp_path / "mails").iterdir())) == 3


class TestHealth:
    @pytest.mark.parametrize("path", ["/livez", "/readyz"])
    def test_as_mailpit(self, mailbox: TestClient, path: str) -> None:
        assert mailbox.get(path).text == "ok"

    @pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
    def test_as_every_service(self, mailbox: TestClient, path: str) -> None:
        assert mailbox.get(path).json() == {"status": "ok", "service": "mailbox"}

    def test_an_smtp_port_in_use_stops_the_start(
        self, mailbox: TestClient, environment: int
    ) -> None:
        with pytest.raises(OSError, match="address already in use"), TestClient(app()):
            pass


class TestHosts:
    @pytest.mark.parametrize("host", ["127.0.0.1:8025", "localhost", "mailbox:8025"])
    def test_its_own_are_answered(self, mailbox: TestClient, host: str) -> None:
        assert mailbox.get("/api/v1/messages", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize("host", ["evil.example:8025", "127.0.0.1.evil.example", "", "[::1"])
    def test_another_is_refused(self, mailbox: TestClient, host: str) -> None:
        assert mailbox.get("/api/v1/messages", headers={"Host": host}).status_code == 400
