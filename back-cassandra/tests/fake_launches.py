from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.models.account import UserDeleted
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.tool import LastLaunch, LastLaunches, ToolLaunched


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
        since = self._erased.get(user_id, now() - self._kept)
        for moment, launched in sorted(self._launches.values(), key=lambda it: it[0]):
            if launched.user_id == user_id and moment > max(since, now() - self._kept):
                found[launched.tool_id] = moment
        latest = sorted(found.items(), key=lambda it: it[1], reverse=True)[:limit]
        return LastLaunches(
            items=[LastLaunch(tool_id=tool_id, launched_at=moment) for tool_id, moment in latest]
        )
