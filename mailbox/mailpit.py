"""Mailpit's REST paths and JSON, so that tests written for Mailpit read this mailbox too.

Fields and paths are spelled as in https://mailpit.axllent.org/docs/api-v1/.
"""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

import mail
from mail_folder import MailFolder, StoredMail

PAGE_SIZE = 50


class Address(BaseModel):
    Name: str
    Address: str


class Attachment(BaseModel):
    PartID: str
    FileName: str
    ContentType: str
    ContentID: str
    Size: int


class MessageSummary(BaseModel):
    ID: str
    MessageID: str
    Read: bool
    From: Address
    To: list[Address]
    Cc: list[Address]
    Bcc: list[Address]
    ReplyTo: list[Address]
    Subject: str
    Created: datetime
    Tags: list[str]
    Size: int
    Attachments: int
    Snippet: str

    @classmethod
    def of(cls, stored: StoredMail) -> Self:
        summary = stored.summary
        return cls(
            ID=stored.id,
            MessageID=summary.message_id,
            Read=stored.read,
            From=_address(summary.sender),
            To=_addresses(summary.to),
            Cc=_addresses(summary.cc),
            Bcc=_addresses(summary.bcc),
            ReplyTo=_addresses(summary.reply_to),
            Subject=summary.subject,
            Created=stored.created,
            Tags=[],
            Size=stored.size,
            Attachments=len(summary.attachments),
            Snippet=stored.snippet,
        )


class Messages(BaseModel):
    """A page of mails, newest first. `messages_count` counts all that match the query."""

    total: int
    unread: int
    count: int
    messages_count: int
    messages_unread: int
    start: int
    tags: list[str]
    messages: list[MessageSummary]


class Message(BaseModel):
    ID: str
    MessageID: str
    From: Address
    To: list[Address]
    Cc: list[Address]
    Bcc: list[Address]
    ReplyTo: list[Address]
    ReturnPath: str
    Subject: str
    Date: datetime
    Tags: list[str]
    Text: str
    HTML: str
    Size: int
    Inline: list[Attachment]
    Attachments: list[Attachment]

    @classmethod
    def of(cls, stored: StoredMail, opened: mail.Mail) -> Self:
        return cls(
            ID=stored.id,
            MessageID=opened.message_id,
            From=_address(opened.sender),
            To=_addresses(opened.to),
            Cc=_addresses(opened.cc),
            Bcc=_addresses(opened.bcc),
            ReplyTo=_addresses(opened.reply_to),
            ReturnPath=opened.return_path,
            Subject=opened.subject,
            Date=opened.date or stored.created,
            Tags=[],
            Text=opened.text,
            HTML=opened.html,
            Size=stored.size,
            Inline=[_attachment(one) for one in opened.attachments if one.inline],
            Attachments=[_attachment(one) for one in opened.attachments if not one.inline],
        )


class Deletion(BaseModel):
    """Which mails to delete; all when empty."""

    IDs: list[str] = []


def router(folder: MailFolder) -> APIRouter:
    api = APIRouter()

    @api.get("/api/v1/messages")
    @api.get("/api/v1/search")
    async def messages(
        query: str = "",
        start: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=0, le=1000)] = PAGE_SIZE,
    ) -> Messages:
        matching = folder.newest(query)
        page = matching[start : start + limit]
        return Messages(
            total=folder.total(),
            unread=folder.unread(),
            count=len(page),
            messages_count=len(matching),
            messages_unread=sum(not one.read for one in matching),
            start=start,
            tags=[],
            messages=[MessageSummary.of(one) for one in page],
        )

    @api.delete("/api/v1/messages", response_class=PlainTextResponse)
    async def delete_messages(deletion: Deletion | None = None) -> str:
        folder.delete(deletion.IDs if deletion and deletion.IDs else folder.ids())
        return "ok"

    @api.get("/api/v1/message/{mail_id}")
    async def message(mail_id: str) -> Message:
        stored = folder.find(mail_id)
        return Message.of(stored, await folder.open(stored))

    @api.get("/api/v1/message/{mail_id}/headers")
    async def headers(mail_id: str) -> dict[str, list[str]]:
        return (await folder.open(folder.find(mail_id))).headers

    @api.get("/api/v1/message/{mail_id}/raw")
    async def raw(mail_id: str) -> Response:
        # Not as message/rfc822: a browser would offer a download where Mailpit shows text.
        content = await folder.raw(folder.find(mail_id))
        return Response(content, media_type="text/plain; charset=utf-8")

    return api


def _address(one: mail.Address) -> Address:
    return Address(Name=one.name, Address=one.address)


def _addresses(several: list[mail.Address]) -> list[Address]:
    return [_address(one) for one in several]


def _attachment(one: mail.Attachment) -> Attachment:
    return Attachment(
        PartID=one.part_id,
        FileName=one.file_name,
        ContentType=one.content_type,
        ContentID=one.content_id,
        Size=one.size,
    )
