from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.tool import LastLaunch, LastLaunches, ToolLaunched


class FakeLaunches:
    """Launches in memory, by the id of their event."""

    def __init__(self, kept_seconds: int) -> None:
        self._kept = timedelta(seconds=kept_seconds)
        self._launches: dict[UUID, tuple[datetime, ToolLaunched]] = {}

    async def apply(self, events: Sequence[EventEnvelope]) -> list[UUID]:
        refused = []
        for event in events:
            try:
                self._apply(event)
            except ValueError:
                refused.append(event.event_id)
        return refused

    def _apply(self, event: EventEnvelope) -> None:
        if event.event_type != "tool.launched":
            raise ValueError(event.event_type)
        self._launches[event.event_id] = (
            event.occurred_at,
            ToolLaunched.model_validate(event.payload),
        )

    async def last(self, user_id: UUID, limit: int) -> LastLaunches:
        found: dict[UUID, datetime] = {}
        for moment, launched in sorted(self._launches.values(), key=lambda it: it[0]):
            if launched.user_id == user_id and now() - moment < self._kept:
                found[launched.tool_id] = moment
        latest = sorted(found.items(), key=lambda it: it[1], reverse=True)[:limit]
        return LastLaunches(
            items=[LastLaunch(tool_id=tool_id, launched_at=moment) for tool_id, moment in latest]
        )
