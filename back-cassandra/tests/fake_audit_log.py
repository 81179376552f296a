from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from pydantic import JsonValue

from shared.kit.http.page_position import PagePosition, day_of, instant_of, microseconds_of
from shared.models.audit import AuditEntry, AuditPage
from shared.models.event import EventEnvelope


class FakeAuditLog:
    """An audit log in memory, with the paging of the real one."""

    def __init__(self, page_days: int) -> None:
        self._page_days = page_days
        self._entries: dict[tuple[int, UUID], AuditEntry] = {}
        self._actors: dict[tuple[int, UUID], UUID | None] = {}
        self._forgotten: set[UUID] = set()

    def _forget(self, user_id: UUID) -> None:
        self._forgotten.add(user_id)
        for key, entry in self._entries.items():
            if (self._actors[key] or entry.user_id) == user_id:
                self._entries[key] = entry.model_copy(update={"payload": _bare(entry.payload)})

    async def store(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        refused = [event.event_id for event in events if event.version >= 2**31]
        for event in events:
            if event.event_id not in refused:
                self._store(event)
            if event.event_type == "user.deleted":
                self._forget(UUID(str(event.payload["user_id"])))
        return refused

    def _store(self, event: EventEnvelope) -> None:
        moment = microseconds_of(event.occurred_at)
        user_id, actor_id = (_id_of(event.payload.get(who)) for who in ("user_id", "actor_id"))
        self._actors[moment, event.event_id] = actor_id
        gone = (actor_id or user_id) in self._forgotten
        self._entries[moment, event.event_id] = AuditEntry(
            event_id=event.event_id,
            event_type=event.event_type,
            occurred_at=instant_of(moment),
            user_id=user_id,
            correlation_id=event.correlation_id,
            payload=_bare(event.payload) if gone else event.payload,
        )

    async def page(self, *, user_id: UUID | None, limit: int, before: PagePosition) -> AuditPage:
        keys = [
            key
            for key in sorted(self._entries, reverse=True)
            if key < (before.moment, before.item_id)
            and user_id in {None, self._entries[key].user_id, self._actors[key]}
        ]
        rest: PagePosition | None = None
        if user_id is None:
            days = [list(of_day) for _, of_day in groupby(keys, key=lambda key: day_of(key[0]))]
            keys = [key for of_day in days[: self._page_days] for key in of_day]
            if len(days) > self._page_days:
                rest = PagePosition.before_day(day_of(keys[-1][0]))
        if len(keys) > limit:
            rest = PagePosition(*keys[limit - 1])
        return AuditPage(
            items=[self._entries[key] for key in keys[:limit]],
            next=rest.cursor() if rest else None,
        )


def _bare(payload: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in payload.items() if name not in {"network", "device"}}


def _id_of(value: JsonValue) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
