import pytest

from mail import Address, parse


class TestParse:
    def test_an_html_mail_without_text_has_a_readable_snippet(self) -> None:
        mail = parse(
            b"Content-Type: text/html\r\n\r\n"
            b"<head><title>no</title></head><style>p {}</style><p>Ana &amp; Bo</p>"
        )

        assert mail.snippet == "Ana & Bo"

    def test_an_inline_picture_is_an_inline_attachment(self) -> None:
        mail = parse(
            b"Content-Type: multipart/related; boundary=b\r\n\r\n"
            b"--b\r\nContent-Type: text/html\r\n\r\n<img src=cid:logo>\r\n"
            b"--b\r\nContent-Type: image/gif\r\nContent-ID: <logo>\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--b--\r\n"
        )

        [picture] = mail.attachments
        assert (picture.content_id, picture.inline) == ("logo", True)
        assert picture.size == 3

    def test_a_nested_part_with_a_name_is_an_attachment(self) -> None:
        mail = parse(
            b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
            b"--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
            b"--b\r\n\r\none\r\n--b\r\nContent-Type: text/plain; name=x.txt\r\n\r\ntwo\r\n--b--\r\n"
            b"--a--\r\n"
        )

        assert mail.text == "one"
        assert [one.file_name for one in mail.attachments] == ["x.txt"]

    def test_names_are_decoded_after_addresses_are_split(self) -> None:
        mail = parse(b"To: =?utf-8?q?Ruiz=2C_Jos=C3=A9?= <jose@example.com>, b@example.com\r\n\r\n")

        assert mail.to == [Address("Ruiz, José", "jose@example.com"), Address("", "b@example.com")]

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\x00\xff\xfe",
            b"From: \xff\xfe\r\nSubject: =?nonsense?q?x?=\r\n\r\n\xff",
            b"Subject: =?utf-8?b?!?=\r\nDate: never\r\nTo: ,,;<<>>\r\n\r\n",
            b"Content-Type: text/plain; charset=nonsense\r\n\r\nx\xff",
            b"Content-Type: multipart/mixed\r\n\r\nno boundary",
            b"Content-Transfer-Encoding: base64\r\n\r\n!!!",
            b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx",
        ],
    )
    def test_malformed_mails_are_still_mails(self, raw: bytes) -> None:
        mail = parse(raw)

        assert mail.date is None
        assert isinstance(mail.snippet, str)

    def test_a_date_without_zone_is_utc(self) -> None:
        mail = parse(b"Date: Sat, 21 Nov 2026 10:00:00 -0000\r\n\r\n")

        assert mail.date is not None
        assert mail.date.isoformat() == "2026-11-21T10:00:00+00:00"
