"""The rules of notifications."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Literal, Protocol
from uuid import UUID, uuid4, uuid5

from pydantic import JsonValue

from features.notifications.kinds import KINDS, SOURCES
from services.actor import Actor, Events
from shared.kit.errors import Conflict, NotFound, RuleViolated, TimedOut, Unavailable
from shared.kit.http.context import correlation_id
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing
from shared.models.notification import (
    ChannelSwitches,
    KindPreference,
    NotificationAccepted,
    NotificationCreated,
    NotificationKind,
    NotificationPage,
    NotificationRead,
    Notify,
    Preferences,
    Recipient,
    ReplacePreferences,
    StoredPreferences,
    Unread,
    UnreadCount,
    UnreadItems,
    UserNotified,
    WritePreferences,
)

CREATED = "notification.created"


class Recipients(Protocol):
    """Whom notifications go to, and what they chose."""

    async def get(self, user_id: UUID) -> Recipient:
        """Raises NotFound `user_not_found`."""

    async def replace_preferences(self, command: Command[WritePreferences]) -> StoredPreferences:
        """Raises NotFound `user_not_found`."""


class Timeline(Protocol):
    """The notifications of each user. Raises Unavailable or TimedOut."""

    async def page(
        self, user_id: UUID, *, unread: bool, limit: int, before: str | None
    ) -> NotificationPage:
        """Raises InvalidRequest `cursor_invalid`."""

    async def unread(self, user_id: UUID) -> UnreadItems:
        """The newest unread notifications."""

    async def apply(self, events: Sequence[EventEnvelope]) -> None:
        """Apply events of notifications; a repeat changes nothing."""


class UnreadCounts(Protocol):
    """How many notifications of each user are unread. Raises Unavailable or TimedOut."""

    async def get(self, user_id: UUID) -> UnreadCount:
        """The count, which may be unknown."""

    async def rebuild(self, user_id: UUID, unread: UnreadItems) -> UnreadCount:
        """Build the count from the timeline."""

    async def apply(self, events: Sequence[EventEnvelope]) -> None:
        """Apply events of notifications; a repeat changes nothing."""


class Notifications:
    """Makes notifications, and shows each user their own."""

    def __init__(
        self,
        recipients: Recipients,
        timeline: Timeline,
        counts: UnreadCounts,
        events: Events,
    ) -> None:
        self._recipients = recipients
        self._timeline = timeline
        self._counts = counts
        self._events = events

    async def notify(
        self, actor: Actor, user_id: UUID, message: Notify, command_id: UUID | None = None
    ) -> NotificationAccepted:
        """Send an admin's message; the same `command_id` sends it once.

        Raises:
            NotFound: `user_not_found`.
            Conflict: `user_not_active`, for a suspended user.
        """
        recipient = await self._recipients.get(user_id)
        if recipient.status != "active":
            raise Conflict("The user is suspended.", code="user_not_active")
        command = _creating(
            recipient,
            "admin_message",
            values={"title": message.title, "body": message.body},
            command_id=command_id or uuid4(),
        )
        notification_id = command.events[0].envelope.event_id
        told = UserNotified(
            actor_id=actor.user_id,
            user_id=user_id,
            notification_id=notification_id,
            network=actor.network,
        )
        command = command.and_event(
            "user.notified", told, aggregate_id=user_id, correlation_id=correlation_id()
        )
        await self._record_once(command)
        return NotificationAccepted(event_id=notification_id)

    async def take(self, event: EventEnvelope) -> None:
        """Make the notification of an event, once; none for a user who is gone or suspended.

        Raises:
            RuleViolated: `event_rejected`, no notification comes from such an event.
        """
        source = SOURCES.get(event.event_type)
        if source and not source.applies_to(event.payload):
            return
        try:
            user_id = UUID(str(event.payload.get("user_id")))
            values = {name: str(event.payload[name]) for name in source.values} if source else {}
            data = {name: event.payload[name] for name in source.data} if source else {}
        except (KeyError, ValueError):
            source = None
        if source is None:
            raise RuleViolated("No notification comes from this event.", code="event_rejected")
        try:
            recipient = await self._recipients.get(user_id)
        except NotFound:
            return
        if recipient.status == "active":
            command = _creating(
                recipient,
                source.kind,
                values=values,
                data=data,
                command_id=uuid5(event.event_id, "notification"),
            )
            await self._record_once(command)

    async def page(
        self, user_id: UUID, *, unread: bool, limit: int, before: str | None
    ) -> NotificationPage:
        """The user's notifications, newest first.

        Raises InvalidRequest `cursor_invalid`, Unavailable while the timeline can't be read.
        """
        return await self._timeline.page(user_id, unread=unread, limit=limit, before=before)

    async def unread(self, user_id: UUID) -> Unread:
        """How many notifications are unread, at most 1,000.

        A count that is lost, or has not been compared for a while, is built from the timeline.
        While that can't be read the last known count stands, and while no count can be read that
        of the timeline.

        Raises Unavailable where neither can be had.
        """
        try:
            count = await self._counts.get(user_id)
        except (Unavailable, TimedOut):
            return Unread(unread=len((await self._timeline.unread(user_id)).items))
        if count.current:
            return Unread(unread=count.unread)
        try:
            found = await self._timeline.unread(user_id)
        except (Unavailable, TimedOut):
            if not count.known:
                raise
            return Unread(unread=count.unread)
        try:
            return Unread(unread=(await self._counts.rebuild(user_id, found)).unread)
        except (Unavailable, TimedOut):
            return Unread(unread=len(found.items))

    async def read(self, user_id: UUID, notification_id: UUID) -> None:
        """Mark one as read; a mark of what is not in the user's timeline changes nothing.

        Raises Unavailable when the mark can't be stored.
        """
        # One command for a user and a notification: a repeat stores no other event.
        await self._mark_read(user_id, [notification_id], uuid5(notification_id, f"read {user_id}"))

    async def read_all(self, user_id: UUID) -> None:
        """Mark as read all that was made until now. Raises Unavailable as `read`."""
        await self._mark_read(user_id, None, uuid4())

    async def preferences(self, user_id: UUID) -> Preferences:
        """What the user chose, and the defaults of all else. Raises NotFound `user_not_found`."""
        recipient = await self._recipients.get(user_id)
        kinds = {kind: _switches(recipient.kinds.get(kind), kind) for kind in KINDS}
        return Preferences(kinds=kinds, digest=recipient.digest)

    async def replace_preferences(
        self, user_id: UUID, wanted: ReplacePreferences, command_id: UUID | None = None
    ) -> Preferences:
        """Store the preferences in place of those before. Raises NotFound `user_not_found`."""
        chosen = {
            str(kind): KindPreference(live=channels.live, mail=channels.mail)
            for kind, channels in wanted.kinds.items()
        }
        written = WritePreferences(user_id=user_id, kinds=chosen, digest=wanted.digest)
        stored = await self._recipients.replace_preferences(
            Command[WritePreferences](command_id=command_id or uuid4(), data=written)
        )
        kinds = {kind: _switches(stored.kinds.get(kind), kind) for kind in KINDS}
        return Preferences(kinds=kinds, digest=stored.digest)

    async def _mark_read(self, user_id: UUID, ids: list[UUID] | None, command_id: UUID) -> None:
        """Store the event, and apply it at once, so that the user's next request sees it.

        What can't be applied now is applied when the relay delivers the event.
        """
        command = Command.with_event(
            "notification.read",
            NotificationRead(user_id=user_id, ids=ids),
            data=Nothing(),
            aggregate_id=user_id,
            correlation_id=correlation_id(),
            command_id=command_id,
        )
        await self._events.record(command)
        read = [event.envelope for event in command.events]
        await asyncio.gather(
            _if_possible(self._timeline.apply(read)), _if_possible(self._counts.apply(read))
        )

    async def _record_once(self, command: Command[Nothing]) -> None:
        try:
            await self._events.record(command)
        except Conflict as conflict:
            # A repeat: its moment, and perhaps language and channels, differ from the first time.
            if conflict.code != "command_reused":
                raise


def _creating(
    recipient: Recipient,
    kind: NotificationKind,
    *,
    values: Mapping[str, str],
    command_id: UUID,
    data: Mapping[str, JsonValue] | None = None,
) -> Command[Nothing]:
    """The command that makes a notification; its id is that of its event."""
    language, texts = KINDS[kind].texts_in(recipient.language)
    texts = texts.rendered(values)
    preference = recipient.kinds.get(kind, KINDS[kind].default)
    channels: list[Literal["live", "mail"]] = []
    channels += ["live"] if preference.live else []
    channels += ["mail"] if preference.mail else []
    created = NotificationCreated.model_validate(
        {
            "user_id": recipient.user_id,
            "id": uuid5(command_id, CREATED),
            "kind": kind,
            "title": texts.title,
            "body": texts.body,
            "data": data or {},
            "created_at": now(),
            "language": language,
            "channels": channels,
        }
    )
    event = NewEvent.of(
        CREATED,
        created,
        aggregate_id=recipient.user_id,
        command_id=command_id,
        correlation_id=correlation_id(),
        occurred_at=created.created_at,
    )
    return Command(command_id=command_id, data=Nothing(), events=[event])


def _switches(chosen: KindPreference | None, kind: NotificationKind) -> ChannelSwitches:
    preference = chosen or KINDS[kind].default
    return ChannelSwitches(live=preference.live, mail=preference.mail)


async def _if_possible(applying: Awaitable[None]) -> None:
    with suppress(Unavailable, TimedOut):
        await applying
