"""Events and deliveries as the workers read them."""

from datetime import UTC, datetime
from uuid import UUID

from shared.models.event import Delivery, EventEnvelope
from shared.testing.pacts import exactly

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DELIVERY = UUID("f0000000-0000-4000-8000-000000000001")
EVENT = UUID("e0000000-0000-4000-8000-000000000001")
LEASE = UUID("1ea5e000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def envelope(event_type: str) -> EventEnvelope:
    """An event of USER."""
    return EventEnvelope(
        event_id=EVENT,
        event_type=event_type,
        occurred_at=NOON,
        correlation_id="correlation-1",
        payload={"user_id": str(USER)},
    )


def read_envelope(event_type: str) -> dict[str, object]:
    """What is read of such an event."""
    return dict(envelope(event_type)) | {
        "event_type": exactly(event_type),
        "payload": {"user_id": USER},
    }


def delivery(consumer: str, event_type: str) -> Delivery:
    """A delivery of it, held under LEASE."""
    return Delivery(
        delivery_id=DELIVERY,
        consumer=consumer,
        attempts=0,
        lease_token=LEASE,
        lease_until=NOON,
        traceparent=TRACEPARENT,
        envelope=envelope(event_type),
    )


def read_delivery(consumer: str, event_type: str) -> dict[str, object]:
    """What is read of it."""
    return dict(delivery(consumer, event_type)) | {
        "delivery_id": exactly(DELIVERY),
        "consumer": exactly(consumer),
        "envelope": read_envelope(event_type),
    }
