"""Events as back-cassandra reads them: the envelope, and whose they are."""

import json
from datetime import UTC, datetime
from uuid import UUID

from shared.testing.pacts import ConsumerPact, exactly
from tests.callers import Callers

USER = UUID("a0000000-0000-4000-8000-000000000001")
EVENT = UUID("e0000000-0000-4000-8000-000000000001")


def read_event(event_type: str) -> dict[str, object]:
    """What is read of an event of USER."""
    return {
        "event_id": EVENT,
        "event_type": exactly(event_type),
        "version": 1,
        "occurred_at": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "correlation_id": "correlation-1",
        "payload": {"user_id": USER},
    }


async def is_found_by_its_user(pact: ConsumerPact, event_type: str, service: Callers) -> None:
    """The event is stored as it came, and found again among its user's."""
    async with pact.message(event_type, read_event(event_type)) as text:
        reply = await service.store(json.loads(text))
        assert reply.status == 201, reply.text
        (entry,) = (await service.page(USER)).items
    assert (entry.event_id, entry.event_type) == (EVENT, event_type)
