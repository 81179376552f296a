"""The consumers of events and the call that delivers to each."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ValidationError

from broker import Broker
from delivery_handler import Effect, EventRejected, Undeliverable
from shared.kit import ServiceClient
from shared.kit.errors import CallFailed, ServiceError
from shared.models.audit import AuditStored
from shared.models.auth import RevokeGenerations
from shared.models.event import Delivery
from shared.models.live import LivePublished, PublishLive

_REFUSALS = frozenset({"validation_failed", "event_rejected"})
"""Codes with which a consumer refuses an event: its model does, or its own rule."""


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
        Consumer("revocations", revocations(redis)),
        Consumer("mail", broker.notify_mail, completes=False),
    ]


def audit(cassandra: ServiceClient) -> Effect:
    """Store the event in the audit log, which is idempotent by the event's id."""

    async def store(delivery: Delivery) -> None:
        await _send(cassandra, "/audit/events", delivery.envelope, AuditStored)

    return store


def live(redis: ServiceClient) -> Effect:
    """Publish the event to the sockets of the user whom its payload names."""

    async def publish(delivery: Delivery) -> None:
        try:
            user_id = UUID(str(delivery.envelope.payload["user_id"]))
        except (KeyError, ValueError):
            raise Undeliverable("the payload names no user_id") from None
        event = PublishLive(user_id=user_id, envelope=delivery.envelope)
        await _send(redis, "/live/events", event, LivePublished)

    return publish


def revocations(redis: ServiceClient) -> Effect:
    """Revoke the sessions of earlier generations of the user."""

    async def revoke(delivery: Delivery) -> None:
        try:
            revoked = RevokeGenerations.model_validate(delivery.envelope.payload)
        except ValidationError:
            raise Undeliverable("the payload names no user and generation") from None
        await _send(redis, "/revocations", revoked, None)

    return revoke


async def _send(
    consumer: ServiceClient, path: str, event: BaseModel, response_model: type[BaseModel] | None
) -> None:
    """Send the event to its consumer, which recognises a repeat.

    Raises:
        EventRejected: its model or its code refuses the event.
        ServiceError: as any call.
    """
    try:
        await consumer.post(path, event, response_model=response_model, idempotent=True)
    except ServiceError as error:
        code = error.callee_code if isinstance(error, CallFailed) else error.code
        if code in _REFUSALS:
            raise EventRejected(f"{consumer.callee} refuses the event: {code}") from error
        raise
