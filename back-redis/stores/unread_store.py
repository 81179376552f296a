"""Unread notifications of each user: a set of ids, so that a repeat counts once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from settings import Settings
from shared.models.account import UserDeleted
from shared.models.event import EventEnvelope
from shared.models.notification import (
    UNREAD_MAX,
    NotificationCreated,
    NotificationRead,
    UnreadCount,
    UnreadItems,
)
from valkey_client import Script, ValkeyClient

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class _Change:
    """What is added and marked as read for a user, or whether the user is `gone`."""

    added: list[str | int] = field(default_factory=list)
    read: list[str | int] = field(default_factory=list)
    read_until: int | None = None
    gone: bool = False


class UnreadStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient, settings: Settings) -> None:
        self._valkey = valkey
        self._change: Script[None] = valkey.script("change_unread")
        self._read: Script[tuple[int, int, int]] = valkey.script("read_unread")
        self._rebuild: Script[int] = valkey.script("rebuild_unread")
        self._kept_seconds = settings.unread_kept_seconds
        self._checked_seconds = settings.unread_checked_seconds
        self._pending_seconds = settings.unread_pending_seconds
        self._marks_kept_seconds = settings.unread_marks_kept_seconds

    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        """Apply `notification.created` and `notification.read`, in any order, once each.

        `user.deleted` removes what there is of the user. The events of a user are one script.
        Answers the ids of the events that can't be applied.
        """
        changes: dict[UUID, _Change] = defaultdict(_Change)
        refused: list[UUID] = []
        for event in events:
            try:
                _collect(changes, event)
            except ValueError:  # pydantic's ValidationError is one
                refused.append(event.event_id)
        for user_id, change in changes.items():
            if change.gone:
                await self._valkey.delete(*_keys(user_id))
                continue
            limits = [self._kept_seconds, self._marks_kept_seconds, UNREAD_MAX]
            added = [len(change.added) // 2, *change.added]
            read_until = "" if change.read_until is None else change.read_until
            await self._change(_keys(user_id), [*limits, *added, read_until, *change.read])
        return refused

    async def count(self, user_id: UUID) -> UnreadCount:
        """How many are unread, and whether that is known and current."""
        unread, _, _, state = _keys(user_id)
        count, known, current = await self._read(
            [unread, state], [self._checked_seconds, UNREAD_MAX]
        )
        return UnreadCount(unread=count, known=known == 1, current=current == 1)

    async def rebuild(self, user_id: UUID, unread: UnreadItems) -> UnreadCount:
        """Replace the ids by those of the timeline, but for changes that it may not have yet."""
        pairs = [part for it in unread.items for part in (str(it.id), _microseconds(it.created_at))]
        limits = [self._kept_seconds, self._pending_seconds, UNREAD_MAX]
        count = await self._rebuild(_keys(user_id), [*limits, 0 if unread.complete else 1, *pairs])
        return UnreadCount(unread=count, known=True, current=True)


def _collect(changes: dict[UUID, _Change], event: EventEnvelope) -> None:
    match event.event_type:
        case "notification.created":
            created = NotificationCreated.model_validate(event.payload)
            changes[created.user_id].added += [str(created.id), _microseconds(created.created_at)]
        case "notification.read":
            read = NotificationRead.model_validate(event.payload)
            change = changes[read.user_id]
            change.read += [str(it) for it in read.ids or ()]
            if read.ids is None:
                change.read_until = max(_microseconds(event.occurred_at), change.read_until or 0)
        case "user.deleted":
            changes[UserDeleted.model_validate(event.payload).user_id].gone = True
        case other:
            raise ValueError(f"{other} makes nothing unread")


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _keys(user_id: UUID) -> list[str]:
    return [f"unread{part}:{user_id}" for part in ("", "-added", "-read", "-state")]
