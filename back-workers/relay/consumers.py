"""The consumers of events and the calls that deliver to each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ValidationError

from broker import Broker
from delivery_handler import DeliveryFailed, Effect, EventRejected, Undeliverable
from shared.kit import ServiceClient
from shared.kit.errors import CallFailed, ServiceError
from shared.models.audit import AuditBatchStored, AuditStored, StoreAudit
from shared.models.auth import RevokeGenerations
from shared.models.event import ApplyEvents, Delivery, EventsApplied
from shared.models.live import LiveBatchPublished, LivePublished, PublishLive, PublishLiveBatch

_REFUSALS = frozenset({"validation_failed", "event_rejected"})
"""Codes with which a consumer refuses an event: its model does, or its own rule."""

Failures = Mapping[UUID, DeliveryFailed]
"""The deliveries of a batch that failed, by id."""

BatchEffect = Callable[[Sequence[Delivery]], Awaitable[Failures]]
"""Delivers a batch in its order. When it raises, none of the batch is known to be delivered."""


@dataclass(frozen=True)
class OneByOne:
    """Each delivery is a call."""

    effect: Effect


@dataclass(frozen=True)
class InBatches:
    """Several deliveries are a call; `effect` is for a batch that fails."""

    effect: Effect
    batch_effect: BatchEffect


@dataclass(frozen=True)
class Notified:
    """Workers are told of deliveries, and complete each themselves.

    A delivery that is not `wanted` is complete without a worker.
    """

    notify: Callable[[Sequence[Delivery]], Awaitable[None]]
    wanted: Callable[[Delivery], bool] = lambda _: True


@dataclass(frozen=True)
class Consumer:
    """A consumer of the routing table, and how it gets its deliveries.

    A patient one gets them a moment later and more at a time: nobody waits for what it does.
    """

    name: str
    handover: OneByOne | InBatches | Notified
    is_patient: bool = False


def consumers(
    api: ServiceClient,
    cassandra: ServiceClient,
    redis: ServiceClient,
    broker: Broker,
    erasure: Effect,
) -> list[Consumer]:
    """Every consumer that the contracts say back-workers delivers to."""
    return [
        Consumer("audit", InBatches(audit(cassandra), audit_batch(cassandra)), is_patient=True),
        Consumer("erasure", OneByOne(erasure)),
        Consumer("launches", InBatches(*applied(cassandra, LAUNCHES))),
        Consumer("live", InBatches(live(redis), live_batch(redis))),
        Consumer("revocations", OneByOne(revocations(redis))),
        Consumer("mail", Notified(broker.notify_mail, lambda it: goes_by("mail", it))),
        Consumer("notifications", OneByOne(notifications(api))),
        Consumer("tasks", Notified(broker.notify_tasks)),
        Consumer("timeline", InBatches(*applied(cassandra, TIMELINE))),
        Consumer("unread", InBatches(*applied(redis, UNREAD))),
    ]


LAUNCHES = "/launches/events"
TIMELINE = "/timeline/events"
UNREAD = "/unread/events"


def goes_by(channel: str, delivery: Delivery) -> bool:
    """Whether an event goes by a channel: one whose payload has `channels` goes by those alone."""
    channels = delivery.envelope.payload.get("channels")
    return not isinstance(channels, list) or channel in channels


def audit(cassandra: ServiceClient) -> Effect:
    """Store the event in the audit log, which is idempotent by the event's id."""

    async def store(delivery: Delivery) -> None:
        await _send(cassandra, "/audit/events", delivery.envelope, AuditStored)

    return store


def audit_batch(cassandra: ServiceClient) -> BatchEffect:
    """As `audit`, for several events in one call."""

    async def store(deliveries: Sequence[Delivery]) -> Failures:
        stored = await cassandra.post(
            "/audit/events/batch",
            StoreAudit(events=[delivery.envelope for delivery in deliveries]),
            response_model=AuditBatchStored,
            idempotent=True,
        )
        return {
            delivery.delivery_id: EventRejected("back-cassandra refuses the event")
            for delivery in deliveries
            if delivery.envelope.event_id in stored.refused
        }

    return store


def live(redis: ServiceClient) -> Effect:
    """Publish the event to the sockets of the user whom its payload names.

    One that does not go by the channel `live` is not published.
    """

    async def publish(delivery: Delivery) -> None:
        if not goes_by("live", delivery):
            return
        await _send(redis, "/live/events", _live_event(delivery), LivePublished)

    return publish


def live_batch(redis: ServiceClient) -> BatchEffect:
    """As `live`, for several events in one call."""

    async def publish(deliveries: Sequence[Delivery]) -> Failures:
        failures: dict[UUID, DeliveryFailed] = {}
        events: list[PublishLive] = []
        for delivery in deliveries:
            if not goes_by("live", delivery):
                continue
            try:
                events.append(_live_event(delivery))
            except Undeliverable as error:
                failures[delivery.delivery_id] = error
        if events:
            await redis.post(
                "/live/events/batch",
                PublishLiveBatch(events=events),
                response_model=LiveBatchPublished,
                idempotent=True,
            )
        return failures

    return publish


def _live_event(delivery: Delivery) -> PublishLive:
    try:
        user_id = UUID(str(delivery.envelope.payload["user_id"]))
    except (KeyError, ValueError):
        raise Undeliverable("the payload names no user_id") from None
    return PublishLive(user_id=user_id, envelope=delivery.envelope)


def revocations(redis: ServiceClient) -> Effect:
    """Revoke the sessions of earlier generations of the user."""

    async def revoke(delivery: Delivery) -> None:
        try:
            revoked = RevokeGenerations.model_validate(delivery.envelope.payload)
        except ValidationError:
            raise Undeliverable("the payload names no user and generation") from None
        await _send(redis, "/revocations", revoked, None)

    return revoke


def notifications(api: ServiceClient) -> Effect:
    """Let back-api make a notification of the event, once."""

    async def take(delivery: Delivery) -> None:
        await _send(api, "/internal/notifications/events", delivery.envelope, None)

    return take


def applied(consumer: ServiceClient, path: str) -> tuple[Effect, BatchEffect]:
    """Apply events at a path of their consumer, one or several in one call.

    A repeat changes nothing.
    """

    async def apply(delivery: Delivery) -> None:
        for failed in (await apply_all([delivery])).values():
            raise failed

    async def apply_all(deliveries: Sequence[Delivery]) -> Failures:
        answer = await consumer.post(
            path,
            ApplyEvents(events=[delivery.envelope for delivery in deliveries]),
            response_model=EventsApplied,
            idempotent=True,
        )
        return {
            delivery.delivery_id: EventRejected(f"{consumer.callee} refuses the event")
            for delivery in deliveries
            if delivery.envelope.event_id in answer.refused
        }

    return apply, apply_all


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
