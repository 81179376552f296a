"""The copy of all that is kept about a user."""

from uuid import UUID

from shared.models.audit import AuditEntry
from shared.models.auth import OpenSession
from shared.models.base import EventPayload, Instant, Network, Response
from shared.models.notification import Notification, Preferences
from shared.models.profile import Profile
from shared.models.task import BackgroundTask
from shared.models.tool import Launch
from shared.models.user import EmailAddress, Role, UserStatus


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
