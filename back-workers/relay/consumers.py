"""The consumers of events and the call that delivers to each."""

from dataclasses import dataclass
from uuid import UUID

from broker import Broker
from delivery_handler import Effect, Undeliverable
from shared.kit import ServiceClient
from shared.models.audit import AuditStored
from shared.models.event import Delivery
from shared.models.live import LivePublished, PublishLive


@dataclass(frozen=True)
class Consumer:
    """A consumer of the routing table; `completes` is false where the effect only notifies it."""

    name: str
    effect: Effect
    completes: bool = True


def consumers(cassandra: ServiceClient, redis: ServiceClient, broker: Broker) -> list[Consumer]:
    """Every consumer that the contracts say back-workers delivers to."""
    return [
        Consumer("audit", audit(cassandra)),
        Consumer("live", live(redis)),
        Consumer("mail", broker.notify_mail, completes=False),
    ]


def audit(cassandra: ServiceClient) -> Effect:
    """Store the event in the audit log, which is idempotent by the event's id."""

    async def store(delivery: Delivery) -> None:
        await cassandra.post(
            "/audit/events", delivery.envelope, response_model=AuditStored, idempotent=True
        )

    return store


def live(redis: ServiceClient) -> Effect:
    """Publish the event to the sockets of the user whom its payload names."""

    async def publish(delivery: Delivery) -> None:
        try:
            user_id = UUID(str(delivery.envelope.payload["user_id"]))
        except (KeyError, ValueError):
            raise Undeliverable("the payload names no user_id") from None
        event = PublishLive(user_id=user_id, envelope=delivery.envelope)
        await redis.post("/live/events", event, response_model=LivePublished, idempotent=True)

    return publish
