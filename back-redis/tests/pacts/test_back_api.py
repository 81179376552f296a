"""What back-redis reads of the live events that back-api publishes: the envelope alone.

Whose they are is read by back-workers, which delivers them.
"""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.models.event import EventEnvelope
from shared.models.live import PublishLive
from shared.testing.pacts import ConsumerPact, exactly
from stores.live_store import LiveStore

EARLIER = UUID("e0000000-0000-4000-8000-000000000001")
EVENT = UUID("e0000000-0000-4000-8000-000000000002")
USER = UUID("a0000000-0000-4000-8000-000000000001")


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-redis", "back-api")


@pytest.mark.parametrize("event_type", ["profile.created", "profile.updated", "user.role.changed"])
async def test_is_found_by_who_missed_it(
    pact: ConsumerPact, live: LiveStore, event_type: str
) -> None:
    read = {
        "event_id": EVENT,
        "event_type": exactly(event_type),
        "version": 1,
        "occurred_at": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "correlation_id": "correlation-1",
        "payload": {"user_id": USER},
    }
    async with pact.message(event_type, read) as text:
        envelope = EventEnvelope.model_validate_json(text)
        before = envelope.model_copy(update={"event_id": EARLIER})
        await live.publish(PublishLive(user_id=USER, envelope=before))
        await live.publish(PublishLive(user_id=USER, envelope=envelope))
        missed = await live.since(USER, EARLIER)
    assert missed.items == [envelope]


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
