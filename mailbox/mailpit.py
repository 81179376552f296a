"""Mailpit's REST paths and JSON, so that tests written for Mailpit read this mailbox too.

Fields and paths are spelled as in https://mailpit.axllent.org/docs/api-v1/.
"""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_snake

import mail
from mail_folder import MailFolder, StoredMail

PAGE_SIZE = 50


class Part(BaseModel):
    """A part of an answer: each field is read from the attribute of its name in snake case."""

    model_config = ConfigDict(
        from_attributes=True, alias_generator=AliasGenerator(validation_alias=to_snake)
    )


class Address(Part):
    Name: str
    Address: str


class Attachment(Part):
    PartID: str
    FileName: str
    ContentType: str
    ContentID: str
    Size: int


class Described(Part):
    """What the list of mails and a mail itself say alike."""

    ID: str
    MessageID: str
    From: Address = Field(validation_alias="sender")
    To: list[Address]
    Cc: list[Address]
    Bcc: list[Address]
    ReplyTo: list[Address]
    Subject: str
    Tags: list[str] = []
    Size: int


class MessageSummary(Described):
    Read: bool
    Created: datetime
    Attachments: int
    Snippet: str

    @classmethod
    def of(cls, stored: StoredMail) -> Self:
        number = len(stored.summary.attachments)
        return cls.model_validate({**vars(stored.summary), **vars(stored), "attachments": number})


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


class Message(Described):
    ReturnPath: str
    Date: datetime
    Text: str
    HTML: str
    Inline: list[Attachment]
    Attachments: list[Attachment]

    @classmethod
    def of(cls, stored: StoredMail, opened: mail.Mail) -> Self:
        of_both = {**vars(opened), **vars(stored), "date": opened.date or stored.created}
        of_both["inline"] = [it for it in opened.attachments if it.inline]
        of_both["attachments"] = [it for it in opened.attachments if not it.inline]
        return cls.model_validate(of_both)


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
        folder.delete(deletion.IDs if deletion else ())
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
