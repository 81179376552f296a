import asyncio
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mail import Mail, UnreadableMail, parse

SEARCHED_CHARACTERS = 20_000


class MailNotFound(Exception):
    """No mail has this id, or not any more."""


@dataclass
class StoredMail:
    """A mail in the folder without its bodies, which are read again when it is opened."""

    id: str
    created: datetime
    size: int
    summary: Mail
    snippet: str
    search_text: str
    read: bool = False


class MailFolder:
    """The last mails, one `<id>.eml` file each, so that a restart keeps them.

    Ids sort by arrival. At most `kept_mails` mails and `kept_bytes` bytes: the oldest go first.
    Whether a mail was read is known in memory only.
    """

    def __init__(self, path: Path, *, kept_mails: int, kept_bytes: int) -> None:
        self._path = path
        self._kept_mails = kept_mails
        self._kept_bytes = kept_bytes
        self._mails: dict[str, StoredMail] = {}
        self._bytes = 0

    def load(self) -> None:
        """Read the folder, making it when it is missing. Raises OSError when it can't be used."""
        self._path.mkdir(parents=True, exist_ok=True)
        for unfinished in self._path.glob("*.part"):
            unfinished.unlink()
        for file in sorted(self._path.glob("*.eml")):
            try:
                self._remember(_stored(file.stem, file.read_bytes()))
            except (UnreadableMail, ValueError):
                continue

    async def add(self, raw: bytes) -> StoredMail:
        """Keep one mail. Raises UnreadableMail, or OSError when the disk refuses it."""
        mail = await asyncio.to_thread(self._write, raw)
        self._remember(mail)
        return mail

    def newest(self, query: str = "") -> list[StoredMail]:
        """The mails that contain every word of the query, newest first; all without one."""
        words = query.casefold().split()
        return [
            mail
            for _, mail in sorted(self._mails.items(), reverse=True)
            if all(word in mail.search_text for word in words)
        ]

    def find(self, mail_id: str) -> StoredMail:
        """A mail by its id; `latest` is the newest. Raises MailNotFound."""
        if mail_id == "latest":
            mail_id = max(self._mails, default="")
        if mail_id not in self._mails:
            raise MailNotFound(mail_id)
        return self._mails[mail_id]

    async def raw(self, mail: StoredMail) -> bytes:
        """The mail as it came. Raises MailNotFound when it was deleted meanwhile."""
        try:
            return await asyncio.to_thread(self._file(mail.id).read_bytes)
        except FileNotFoundError as error:
            raise MailNotFound(mail.id) from error

    async def open(self, mail: StoredMail) -> Mail:
        """The whole mail; it counts as read from now on. Raises MailNotFound."""
        raw = await self.raw(mail)
        mail.read = True
        return await asyncio.to_thread(parse, raw)

    def delete(self, ids: Iterable[str] = ()) -> None:
        """Delete these mails; all where none is named."""
        for mail_id in list(ids or self._mails):
            mail = self._mails.pop(mail_id, None)
            if mail:
                self._bytes -= mail.size
                self._file(mail.id).unlink(missing_ok=True)

    def total(self) -> int:
        return len(self._mails)

    def unread(self) -> int:
        return sum(not mail.read for mail in self._mails.values())

    def _file(self, mail_id: str) -> Path:
        return self._path / f"{mail_id}.eml"

    def _write(self, raw: bytes) -> StoredMail:
        mail = _stored(f"{time.time_ns() // 1000:014x}{secrets.token_hex(4)}", raw)
        unfinished = self._path / f"{mail.id}.part"
        unfinished.write_bytes(raw)
        unfinished.replace(self._file(mail.id))
        return mail

    def _remember(self, mail: StoredMail) -> None:
        self._mails[mail.id] = mail
        self._bytes += mail.size
        while len(self._mails) > self._kept_mails or self._bytes > self._kept_bytes:
            self.delete([min(self._mails)])


def _stored(mail_id: str, raw: bytes) -> StoredMail:
    mail = parse(raw)
    people = [mail.sender, *mail.to, *mail.cc, *mail.bcc]
    searched = [mail.subject, *(f"{one.name} {one.address}" for one in people), mail.message_id]
    searched.append((mail.text or mail.html)[:SEARCHED_CHARACTERS])
    return StoredMail(
        id=mail_id,
        created=datetime.fromtimestamp(int(mail_id[:14], 16) / 1_000_000, UTC),
        size=len(raw),
        summary=replace(mail, text="", html="", headers={}),
        snippet=mail.snippet,
        search_text=" ".join(searched).casefold(),
    )
