"""A user's own account: its deletion, and the copy of all that is kept about the user."""

from typing import Final, Literal
from uuid import UUID

from pydantic import Field

from shared.models.audit import AuditEntry
from shared.models.auth import OpenSession
from shared.models.base import (
    Device,
    EventPayload,
    Instant,
    Internal,
    Network,
    PublicRequest,
    Response,
)
from shared.models.event import Consumer
from shared.models.notification import Notification, Preferences
from shared.models.profile import Profile
from shared.models.task import BackgroundTask
from shared.models.tool import Launch
from shared.models.user import EmailAddress, PasswordAttempt, Role, UserStatus

LAST_GENERATION: Final = 2**31 - 1
"""The `session_generation` of a deleted user: no session is of it, so all have ended for good."""


class DeleteAccount(PublicRequest):
    """The password of the account that is to be deleted."""

    password: PasswordAttempt = Field(repr=False)


class AccountDeletion(Response):
    """The account is gone, and every store forgets its user within a minute."""

    user_id: UUID
    status: Literal["deleting"] = "deleting"


class CheckPassword(Internal):
    """Check a password of a user, who asks from `network` with `device`."""

    user_id: UUID
    password: PasswordAttempt = Field(repr=False)
    network: Network
    device: Device


class PasswordChecked(Internal):
    """Whether it is the password of the user."""

    matches: bool


class DeleteUser(Internal):
    """Remove a user with all rows that belong to them."""

    user_id: UUID


class UserRemoved(Internal):
    """The user who was removed."""

    user_id: UUID


class ForgetUser(Internal):
    """Remove what the outbox holds of a deleted user: answers of commands, fields of events.

    Deliveries to the consumers `undelivered`, other than those of the event `deletion_id`, are
    not made any more.
    """

    user_id: UUID
    deletion_id: UUID
    undelivered: list[Consumer] = Field(max_length=20)


class UserForgotten(Internal):
    """How many rows were changed; more are left where `complete` is false."""

    commands: int
    deliveries: int
    events: int
    complete: bool


class UserDeleted(EventPayload):
    """`user.deleted`: the user deleted their account; every store forgets them."""

    user_id: UUID


class AccountExported(EventPayload):
    """`user.exported`: the user was given a copy of all that is kept about them."""

    user_id: UUID
    network: Network


class FavouriteTool(Response):
    """A tool that the user marked as a favourite."""

    tool_id: UUID
    name: str
    marked_at: Instant


class AccountRecord(Response):
    """The account itself; the terms are null for one that an operator made."""

    id: UUID
    email: EmailAddress
    role: Role
    status: UserStatus
    terms_version: str | None
    terms_accepted_at: Instant | None
    created_at: Instant
    updated_at: Instant
    favourites: list[FavouriteTool]


class AccountExport(Response):
    """All that is kept about the user who asks.

    Lists are newest first. `profile` is null before there is one. Audit entries are those about the
    user and those of what the user did.
    """

    exported_at: Instant
    account: AccountRecord
    profile: Profile | None
    notification_preferences: Preferences
    sessions: list[OpenSession]
    launches: list[Launch]
    notifications: list[Notification]
    tasks: list[BackgroundTask]
    audit: list[AuditEntry]
