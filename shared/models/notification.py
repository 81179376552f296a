"""Notifications: what a user is told, which of it they have read, and how they want to be told."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints

from shared.models.base import (
    EventPayload,
    Instant,
    Internal,
    Line,
    Network,
    PublicRequest,
    Response,
    Text,
    VisibleLine,
)
from shared.models.event import EventEnvelope
from shared.models.user import EmailAddress, UserStatus

TITLE_MAX_LENGTH = 200
BODY_MAX_LENGTH = 2000
PAGE_DEFAULT = 50
PAGE_MAX = 200
BATCH_MAX = 200
UNREAD_MAX = 1000

NotificationKind = Literal[
    "admin_message", "export_ready", "password_changed", "profile_created", "welcome"
]
Digest = Literal["off", "daily"]

KindName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,59}$")]
"""A kind, where a reader may be older than whoever made the notification."""

Title = Annotated[
    VisibleLine, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_MAX_LENGTH)
]
Body = Annotated[
    Text, StringConstraints(strip_whitespace=True, pattern=r"\S", max_length=BODY_MAX_LENGTH)
]


class Notify(PublicRequest):
    """What an admin tells a user; the body may have several lines."""

    title: Title
    body: Body


class NotificationAccepted(Response):
    """The event that makes the notification; the notification has the same id."""

    event_id: UUID


class Notification(Response):
    """A notification as its user sees it; `read_at` is null while it is unread."""

    id: UUID
    kind: KindName
    title: str
    body: str
    data: dict[str, JsonValue]
    read_at: Instant | None
    created_at: Instant


class NotificationPage(Response):
    """Notifications, newest first; `next` is the `before` of the following page, null at the end.

    A page of unread ones may hold fewer than asked for and still have a `next`.
    """

    items: list[Notification]
    next: str | None


class Unread(Response):
    """How many notifications are unread; more than 1,000 are counted as 1,000."""

    unread: int


class Channels(PublicRequest):
    """Whether a kind of notification is told live and by mail."""

    live: bool
    mail: bool


class ReplacePreferences(PublicRequest):
    """All preferences of a user; a kind that is absent gets its default."""

    kinds: dict[NotificationKind, Channels] = Field(default_factory=dict)
    digest: Digest = "off"


class ChannelSwitches(Response):
    """Whether a kind of notification is told live and by mail."""

    live: bool
    mail: bool


class Preferences(Response):
    """The preferences of a user, with every kind."""

    kinds: dict[NotificationKind, ChannelSwitches]
    digest: Digest


class KindPreference(Internal):
    """The channels of a kind, as they are stored."""

    live: bool
    mail: bool


class WritePreferences(Internal):
    """The preferences of a user, to be stored in place of those before."""

    user_id: UUID
    kinds: dict[KindName, KindPreference]
    digest: Digest


class StoredPreferences(WritePreferences):
    """Stored preferences."""

    version: int = Field(ge=1)


class Recipient(Internal):
    """What is needed to tell a user something; `language` and `timezone` without a profile: None.

    `kinds` holds what the user chose, not the defaults.
    """

    user_id: UUID
    email: EmailAddress
    status: UserStatus
    language: str | None
    timezone: str | None
    kinds: dict[KindName, KindPreference]
    digest: Digest


class DigestZone(Internal):
    """A time zone in which the hour of the digest has come on its date."""

    timezone: Line = Field(max_length=64)
    local_date: date


class FindDueDigests(Internal):
    """Find users who want a digest, live in one of the zones, and had none on its date."""

    zones: list[DigestZone] = Field(min_length=1, max_length=1000)
    limit: int = Field(default=100, ge=1, le=500)


class DueDigest(Internal):
    """A digest that a user is to get; `last_date` is that of the one before, if there was one."""

    user_id: UUID
    timezone: str
    local_date: date
    last_date: date | None


class DueDigests(Internal):
    """Digests that are due; there may be more when there are as many as were asked for."""

    items: list[DueDigest]


class RecordDigest(Internal):
    """Note that a user got the digest of a date."""

    user_id: UUID
    local_date: date


class DigestDue(EventPayload):
    """`digest.due`: the user is to get a mail of the notifications of `since` until `until`."""

    user_id: UUID
    local_date: date
    since: Instant
    until: Instant


class NotificationCreated(EventPayload):
    """`notification.created`: the notification, which has the id of the event.

    `channels` are those that the user had chosen when it was made. Title and body are in
    `language`.
    """

    user_id: UUID
    id: UUID
    kind: KindName
    title: str
    body: str
    data: dict[str, JsonValue]
    created_at: Instant
    language: str
    channels: list[Literal["live", "mail"]]


class NotificationRead(EventPayload):
    """`notification.read`: the user has read `ids`, or all that was made until the event occurred.

    The moment of reading is that of the event.
    """

    user_id: UUID
    ids: list[UUID] | None = Field(max_length=BATCH_MAX)


class UserNotified(EventPayload):
    """`user.notified`: the actor, an admin, sent a notification to the user."""

    actor_id: UUID
    user_id: UUID
    notification_id: UUID
    network: Network


class NotificationEvents(Internal):
    """Events `notification.created` and `notification.read` to apply, in any order."""

    events: list[EventEnvelope] = Field(min_length=1, max_length=BATCH_MAX)


class NotificationEventsApplied(Internal):
    """All events are applied but those of `refused`, which never can be."""

    refused: list[UUID] = Field(description="ids of events")


class UnreadItem(Internal):
    """An unread notification."""

    id: UUID
    created_at: Instant


class UnreadItems(Internal):
    """The newest unread notifications of a user; `complete` when there are no others."""

    items: list[UnreadItem] = Field(max_length=UNREAD_MAX)
    complete: bool


class UnreadCount(Internal):
    """How many notifications of a user are unread.

    `known` is false where the count was never built or is lost; `current` is false when it should
    be built again.
    """

    unread: int = Field(ge=0)
    known: bool
    current: bool
