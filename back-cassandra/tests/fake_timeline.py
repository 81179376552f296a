from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.kit.http.page_position import PagePosition, microseconds_of
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.notification import (
    UNREAD_MAX,
    Notification,
    NotificationCreated,
    NotificationPage,
    NotificationRead,
    UnreadItem,
    UnreadItems,
)


class FakeTimeline:
    """Timelines in memory, which look at all of one for unread notifications."""

    def __init__(self, kept_seconds: int) -> None:
        self._kept = timedelta(seconds=kept_seconds)
        self._created: dict[UUID, NotificationCreated] = {}
        self._marks: dict[tuple[UUID, UUID], datetime] = {}
        self._gone: set[UUID] = set()
        self._until: list[tuple[UUID, datetime]] = []

    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        refused = []
        for event in events:
            try:
                self._apply(event)
            except ValueError:
                refused.append(event.event_id)
        return refused

    def _apply(self, event: EventEnvelope) -> None:
        if event.event_type == "notification.created":
            created = NotificationCreated.model_validate(event.payload)
            if now() - created.created_at < self._kept:
                self._created[created.id] = created
        elif event.event_type == "notification.read":
            read = NotificationRead.model_validate(event.payload)
            for notification_id in read.ids or ():
                key = (read.user_id, notification_id)
                self._marks[key] = min(event.occurred_at, self._marks.get(key, event.occurred_at))
            if read.ids is None:
                self._until.append((read.user_id, event.occurred_at))
        elif event.event_type == "user.deleted":
            self._gone.add(UUID(str(event.payload["user_id"])))
        else:
            raise ValueError(event.event_type)

    async def page(
        self,
        *,
        user_id: UUID,
        unread: bool,
        limit: int,
        before: PagePosition,
        since: datetime | None = None,
    ) -> NotificationPage:
        found = [
            (self._position(item), item)
            for item in self._items(user_id)
            if not (unread and item.read_at) and (since is None or item.created_at >= since)
        ]
        found = [
            (position, item)
            for position, item in found
            if (position.moment, position.item_id) < (before.moment, before.item_id)
        ]
        rest = found[limit - 1][0].cursor() if len(found) > limit else None
        return NotificationPage(items=[item for _, item in found[:limit]], next=rest)

    async def unread(self, user_id: UUID) -> UnreadItems:
        items = [
            UnreadItem(id=item.id, created_at=item.created_at)
            for item in self._items(user_id)
            if item.read_at is None
        ]
        return UnreadItems(items=items[:UNREAD_MAX], complete=len(items) <= UNREAD_MAX)

    def _items(self, user_id: UUID) -> list[Notification]:
        if user_id in self._gone:
            return []
        mine = [it for it in self._created.values() if it.user_id == user_id]
        mine.sort(key=lambda it: (it.created_at, it.id), reverse=True)
        return [
            Notification(
                **it.model_dump(exclude={"user_id", "language", "channels"}),
                read_at=self._read_at(it),
            )
            for it in mine
        ]

    def _read_at(self, created: NotificationCreated) -> datetime | None:
        moments = [
            until
            for user_id, until in self._until
            if user_id == created.user_id and until >= created.created_at
        ]
        if mark := self._marks.get((created.user_id, created.id)):
            moments.append(mark)
        return min(moments, default=None)

    @staticmethod
    def _position(item: Notification) -> PagePosition:
        return PagePosition(microseconds_of(item.created_at), item.id)
