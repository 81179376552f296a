from collections.abc import Callable
from email.message import EmailMessage

from fastapi.testclient import TestClient

Send = Callable[..., None]
TextMail = Callable[..., EmailMessage]


class TestPages:
    def test_an_empty_mailbox_says_so(self, mailbox: TestClient) -> None:
        assert "No mail has arrived yet" in mailbox.get("/").text

    def test_the_list_links_each_mail(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        send(text_mail(subject="Confirm <your> address"))
        [message] = mailbox.get("/api/v1/messages").json()["messages"]

        page = mailbox.get("/").text

        assert f'<a href="/view/{message["ID"]}">Confirm &lt;your&gt; address</a>' in page
        assert "1 mail, 1 unread" in page

    def test_a_text_mail_is_shown_escaped_with_links(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        link = "http://127.0.0.1:8000/auth?token=a&b=c"
        send(text_mail(body=f"<script>alert(1)</script> ({link}). javascript:alert(1)"))

        page = mailbox.get("/view/latest")

        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert 'href="http://127.0.0.1:8000/auth?token=a&amp;b=c"' in page.text
        assert 'href="javascript' not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]

    def test_an_html_mail_is_framed_without_scripts(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        mail = text_mail()
        mail.add_alternative("<p>rich</p><script>alert(1)</script>", subtype="html")
        send(mail)

        page = mailbox.get("/view/latest").text
        frame = mailbox.get("/view/latest.html")

        assert '<iframe title="The mail\'s HTML" sandbox="allow-popups' in page
        assert "<p>rich</p>" not in page
        assert "<p>rich</p>" in frame.text
        policy = frame.headers["content-security-policy"]
        assert policy.startswith("sandbox ")
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy

    def test_attachments_are_named(
        self, mailbox: TestClient, send: Send, text_mail: TextMail
    ) -> None:
        mail = text_mail()
        mail.add_attachment(b"12345", maintype="application", subtype="pdf", filename="bill.pdf")
        send(mail)

        assert "bill.pdf, application/pdf, 5 bytes" in mailbox.get("/view/latest").text

    def test_style_and_script_are_served(self, mailbox: TestClient) -> None:
        assert mailbox.get("/static/mailbox.css").status_code == 200
        assert mailbox.get("/static/refresh.js").status_code == 200
