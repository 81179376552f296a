from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.kit.http.page_position import PagePosition, page_of
from shared.models.account import UserDeleted
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.tool import LastLaunches, Launch, LaunchPage, ToolLaunched


class FakeLaunches:
    """Launches in memory, by the id of their event."""

    def __init__(self, kept_seconds: int) -> None:
        self._kept = timedelta(seconds=kept_seconds)
        self._launches: dict[UUID, tuple[datetime, ToolLaunched]] = {}
        self._erased: dict[UUID, datetime] = {}

    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        refused = []
        for event in events:
            try:
                self._apply(event)
            except ValueError:
                refused.append(event.event_id)
        return refused

    def _apply(self, event: EventEnvelope) -> None:
        if event.event_type == "user.deleted":
            user_id = UserDeleted.model_validate(event.payload).user_id
            self._erased[user_id] = event.occurred_at
        elif event.event_type == "tool.launched":
            launched = ToolLaunched.model_validate(event.payload)
            self._launches[event.event_id] = (event.occurred_at, launched)
        else:
            raise ValueError(event.event_type)

    async def last(self, user_id: UUID, limit: int) -> LastLaunches:
        found: dict[UUID, datetime] = {}
        for position, launched in self._of(user_id):
            found.setdefault(launched.tool_id, position.instant)
        latest = list(found.items())[:limit]
        return LastLaunches(
            items=[Launch(tool_id=tool_id, launched_at=moment) for tool_id, moment in latest]
        )

    async def page(self, user_id: UUID, limit: int, before: PagePosition) -> LaunchPage:
        start = _sort_key(before)
        earlier = [it for it in self._of(user_id) if _sort_key(it[0]) < start]
        shown, following = page_of(earlier, limit, lambda it: it[0])
        items = [
            Launch(tool_id=launched.tool_id, launched_at=position.instant)
            for position, launched in shown
        ]
        return LaunchPage(items=items, next=following)

    def _of(self, user_id: UUID) -> list[tuple[PagePosition, ToolLaunched]]:
        """The launches of a user that are kept, newest first."""
        since = max(self._erased.get(user_id, now() - self._kept), now() - self._kept)
        found = [
            (PagePosition.after(moment, event_id), launched)
            for event_id, (moment, launched) in self._launches.items()
            if launched.user_id == user_id and moment > since
        ]
        return sorted(found, key=lambda it: _sort_key(it[0]), reverse=True)


def _sort_key(position: PagePosition) -> tuple[int, int]:
    return position.moment, position.item_id.int
