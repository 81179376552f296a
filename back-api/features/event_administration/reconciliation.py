"""Compares the outbox, the timelines of users and their unread counts, and mends what disagrees.

The outbox decides about timelines: an event whose delivery is done has its effect there. The
timeline decides about unread counts.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from features.event_administration.domain import Deliveries, Wanted
from features.notifications.domain import Timeline, UnreadCounts
from shared.models.account import UserDeleted
from shared.models.event import PERSONAL_FIELDS, EventEnvelope
from shared.models.event_administration import DELIVERY_PAGE_MAX
from shared.models.notification import PAGE_MAX, Notification, NotificationCreated, NotificationRead

CONSUMER = "timeline"
_PAYLOADS: dict[str, type[NotificationCreated | NotificationRead | UserDeleted]] = {
    "notification.created": NotificationCreated,
    "notification.read": NotificationRead,
    "user.deleted": UserDeleted,
}


class Disagreement(BaseModel):
    """What disagreed of one user: notifications that are not in the timeline, or are unread there
    although they were read, or an unread count.
    """

    what: Literal["missing", "unread", "count"]
    user_id: UUID
    ids: list[UUID]
    mended: bool


class Reconciliation(BaseModel):
    """How many events and users were compared, and what disagreed."""

    events: int
    users: int
    disagreements: list[Disagreement]


@dataclass
class _OfUser:
    """The events of a user, by what they do; envelopes by the id of their event."""

    created: dict[UUID, NotificationCreated] = field(default_factory=dict)
    read: list[tuple[datetime, NotificationRead]] = field(default_factory=list)
    envelopes: dict[UUID, EventEnvelope] = field(default_factory=dict)


class Reconciler:
    """Compares what was delivered since a moment; mends it unless told not to."""

    def __init__(self, deliveries: Deliveries, timeline: Timeline, counts: UnreadCounts) -> None:
        self._deliveries = deliveries
        self._timeline = timeline
        self._counts = counts

    async def run(self, since: datetime, *, dry_run: bool) -> Reconciliation:
        """Compare every user who has an event since then and was not deleted.

        Raises Unavailable or TimedOut; what was mended before stays so.
        """
        users: dict[UUID, _OfUser] = {}
        deleted: set[UUID] = set()
        async for envelope in self._delivered(since):
            model = _PAYLOADS.get(envelope.event_type)
            if model is None or (model is NotificationCreated and _is_forgotten(envelope)):
                continue
            payload = model.model_validate(envelope.payload)
            if isinstance(payload, UserDeleted):
                deleted.add(payload.user_id)
                continue
            user = users.setdefault(payload.user_id, _OfUser())
            user.envelopes[envelope.event_id] = envelope
            if isinstance(payload, NotificationCreated):
                user.created[payload.id] = payload
            else:
                user.read.append((envelope.occurred_at, payload))
        found: list[Disagreement] = []
        for user_id, user in users.items():
            if user_id in deleted:
                continue
            found += await self._timeline_of(user_id, user, mend=not dry_run)
            found += await self._count_of(user_id, mend=not dry_run)
        events = sum(len(user.envelopes) for user in users.values())
        return Reconciliation(events=events, users=len(users), disagreements=found)

    async def _delivered(self, since: datetime) -> AsyncIterator[EventEnvelope]:
        wanted = Wanted(state="done", consumer=CONSUMER, since=since)
        before: str | None = None
        while True:
            page = await self._deliveries.page(wanted, DELIVERY_PAGE_MAX, before)
            for item in page.items:
                shown = await self._deliveries.get(item.delivery_id)
                yield EventEnvelope.model_validate(shown.model_dump())
            if page.next is None:
                return
            before = page.next

    async def _timeline_of(self, user_id: UUID, user: _OfUser, *, mend: bool) -> list[Disagreement]:
        stored = await self._stored(user_id, user)
        missing = sorted(user.created.keys() - stored.keys())
        unread = sorted(
            it.id for it in stored.values() if it.read_at is None and _was_read(it, user)
        )
        if mend and (missing or unread):
            # Each event may be applied again; all of them are simpler to trust than some.
            envelopes = list(user.envelopes.values())
            for start in range(0, len(envelopes), PAGE_MAX):
                await self._timeline.apply(envelopes[start : start + PAGE_MAX])
        kinds: tuple[tuple[Literal["missing", "unread"], list[UUID]], ...] = (
            ("missing", missing),
            ("unread", unread),
        )
        return [
            Disagreement(what=what, user_id=user_id, ids=ids, mended=mend)
            for what, ids in kinds
            if ids
        ]

    async def _stored(self, user_id: UUID, user: _OfUser) -> dict[UUID, Notification]:
        """The user's timeline, back to the oldest notification that is compared."""
        oldest = min((it.created_at for it in user.created.values()), default=None)
        stored: dict[UUID, Notification] = {}
        before: str | None = None
        while True:
            page = await self._timeline.page(user_id, unread=False, limit=PAGE_MAX, before=before)
            stored |= {it.id: it for it in page.items}
            past = oldest is None or (page.items and page.items[-1].created_at < oldest)
            if page.next is None or past:
                return stored
            before = page.next

    async def _count_of(self, user_id: UUID, *, mend: bool) -> list[Disagreement]:
        if await self._agrees(user_id) or await self._agrees(user_id):
            return []  # an event that was under way at the first look has arrived at the second
        unread = await self._timeline.unread(user_id)
        if mend:
            await self._counts.rebuild(user_id, unread)
        ids = [it.id for it in unread.items]
        return [Disagreement(what="count", user_id=user_id, ids=ids, mended=mend)]

    async def _agrees(self, user_id: UUID) -> bool:
        count = await self._counts.get(user_id)
        unread = await self._timeline.unread(user_id)
        return not count.known or not unread.complete or count.unread == len(unread.items)


def _is_forgotten(envelope: EventEnvelope) -> bool:
    """Whether a notification lost its texts, because its user was deleted."""
    return not PERSONAL_FIELDS & envelope.payload.keys()


def _was_read(notification: Notification, user: _OfUser) -> bool:
    return any(
        notification.id in read.ids if read.ids is not None else notification.created_at <= moment
        for moment, read in user.read
    )
