"""Exports of users as CSV, and the links that download one."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.models.base import EventPayload, Instant, Internal, Network, Response
from shared.models.user import Role, UserStatus

EXPORT_PAGE_MAX = 2000

TokenHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ExportedUser(Internal):
    """A user with the fields of the profile, which are None without one."""

    id: UUID
    email: str
    role: Role
    status: UserStatus
    created_at: Instant
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    company: str | None = None
    job_title: str | None = None
    language: str | None = None
    timezone: str | None = None


class ExportedUsers(Internal):
    """Users in the order of their ids; none at the end."""

    items: list[ExportedUser]


class ExportStarted(EventPayload):
    """`export.started`: the actor asked for the data of all users."""

    actor_id: UUID
    task_id: UUID
    network: Network


class ExportLink(Response):
    """A link that downloads an export once."""

    url: str
    expires_in: int = Field(description="seconds")


class KeepDownloadToken(Internal):
    """Keep the SHA-256 of a token that downloads the result of a task once."""

    token_hash: TokenHash
    task_id: UUID
    expires_in: int = Field(ge=1, le=3600, description="seconds")


class RedeemDownloadToken(Internal):
    """Use up a token.

    Who repeats the `resume_hash`, the SHA-256 of a secret of this download, can go on with it.
    """

    token_hash: TokenHash
    resume_hash: TokenHash | None = None


class RedeemedDownload(Internal):
    """The task whose result the token downloads."""

    task_id: UUID
