"""Events to store."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from shared.models.event import EventEnvelope

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)


def event(
    *,
    user_id: UUID | str | None = None,
    actor_id: UUID | None = None,
    ago: timedelta = timedelta(),
    event_id: UUID | None = None,
) -> EventEnvelope:
    people = {"user_id": user_id, "actor_id": actor_id}
    return EventEnvelope(
        event_id=event_id or uuid4(),
        event_type="auth.login.succeeded",
        version=1,
        occurred_at=NOON - ago,
        correlation_id="corr-1",
        payload={"address": "ñ 😀"} | {name: str(id_) for name, id_ in people.items() if id_},
    )
