"""Runs the effect of a delivery and reports its outcome to the outbox, for every consumer."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from structlog.typing import FilteringBoundLogger

from outbox_client import OutboxClient
from shared.kit.errors import (
    CallFailed,
    Conflict,
    NotFound,
    ServiceError,
    TimedOut,
    TooManyRequests,
    Unavailable,
)
from shared.kit.http.context import correlated
from shared.models.event import Delivery

log = structlog.get_logger()

Effect = Callable[[Delivery], Awaitable[None]]

GIVE_BACK_SECONDS = 0.1
"""The pause of a consumer whose delivery is released at a stop: the consumer itself is healthy."""


PAUSE_MAX_SECONDS = 300
"""The longest pause that the outbox takes."""

_NOT_SERVED = frozenset({401, 403, 404, 405, 408, 429, 503, 504})
"""Statuses of a callee that serves no such call at present: overloaded, or being deployed."""


VERSION_UNKNOWN = "event_version_unknown"
"""The code of a consumer that does not know the event's version yet."""


class DeliveryFailed(Exception):
    """The effect failed; the message says why and holds nothing of the payload.

    A `final` failure is a dead letter at once. `retry_seconds` replaces the back-off of the
    outbox. Where the event is at fault, the failure does not count towards a pause of the consumer.
    """

    def __init__(
        self,
        reason: str,
        *,
        final: bool = False,
        event_at_fault: bool = False,
        retry_seconds: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.final = final
        self.event_at_fault = event_at_fault
        self.retry_seconds = retry_seconds


class Undeliverable(DeliveryFailed):
    """The effect can never succeed, because of the event itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, final=True, event_at_fault=True)


class EventRejected(DeliveryFailed):
    """The consumer refuses the event. It counts: the fault may be the consumer's."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, final=True)


class LeaseLost(Exception):
    """Another worker holds the delivery now."""


async def handle_delivery(
    outbox: OutboxClient,
    delivery: Delivery,
    effect: Effect,
    *,
    seconds: float,
    pause_seconds: float,
    postpone_max_seconds: float,
    completes: bool = True,
) -> None:
    """Run the effect for at most `seconds`, then complete, postpone or fail the delivery.

    A consumer that can't be reached, takes too long or does not serve the call costs no attempt
    and pauses for `pause_seconds`, until a delivery has been postponed for `postpone_max_seconds`.
    Any other error counts as an attempt. With `completes=False` the effect only notifies a worker,
    which completes the delivery itself.
    """
    envelope = delivery.envelope
    with correlated(envelope.correlation_id, traceparent=delivery.traceparent):
        delivery_log = log.bind(
            consumer=delivery.consumer,
            delivery_id=str(delivery.delivery_id),
            event_id=str(envelope.event_id),
            event_type=envelope.event_type,
            attempts=delivery.attempts,
        )
        try:
            async with asyncio.timeout(seconds):
                await effect(delivery)
        except LeaseLost:
            delivery_log.warning("delivery_lease_lost")
        except asyncio.CancelledError:
            release = _reported(outbox.postpone(delivery, GIVE_BACK_SECONDS))
            if await asyncio.shield(release):
                delivery_log.info("delivery_released")
            raise
        except Exception as error:  # noqa: BLE001  (no error may stop other deliveries)
            if not _may_be_postponed(error):
                await _fail(outbox, delivery, error, delivery_log)
            elif delivery.postponed_seconds < postpone_max_seconds:
                delivery_log.warning("delivery_postponed", reason=_reason(error))
                await _reported(outbox.postpone(delivery, _pause(error, pause_seconds)))
            else:
                delivery_log.error(
                    "delivery_postponed_too_long",
                    reason=_reason(error),
                    postponed_seconds=round(delivery.postponed_seconds),
                )
                await _reported(outbox.fail(delivery, _reason(error)))
        else:
            if not completes:
                delivery_log.info("delivery_notified")
            elif await _reported(outbox.complete(delivery)):
                delivery_log.info("delivery_completed")


async def _fail(
    outbox: OutboxClient, delivery: Delivery, error: Exception, delivery_log: FilteringBoundLogger
) -> None:
    if not isinstance(error, DeliveryFailed):
        expected = isinstance(error, ServiceError)
        delivery_log.warning("delivery_failed", reason=_reason(error), exc_info=not expected)
        await _reported(outbox.fail(delivery, _reason(error)))
        return
    delivery_log.warning("delivery_failed", reason=str(error), final=error.final)
    failed = outbox.fail(
        delivery,
        str(error),
        final=error.final,
        event_at_fault=error.event_at_fault,
        retry_seconds=error.retry_seconds,
    )
    await _reported(failed)


def _may_be_postponed(error: Exception) -> bool:
    """Whether the consumer can't be reached or serves no such call at present."""
    if isinstance(error, CallFailed):
        return error.callee_status in _NOT_SERVED
    if isinstance(error, NotFound) and error.code == NotFound.default_code:
        return True  # no route serves the path
    if isinstance(error, ServiceError) and error.code == VERSION_UNKNOWN:
        return True
    return isinstance(error, Unavailable | TimedOut | TooManyRequests | TimeoutError)


def _pause(error: Exception, pause_seconds: float) -> float:
    asked = error.retry_after if isinstance(error, TooManyRequests) else None
    return min(max(pause_seconds, asked or 0), PAUSE_MAX_SECONDS)


async def _reported(report: Awaitable[None]) -> bool:
    """Whether the outbox stored the outcome; else the delivery is repeated after its lease."""
    try:
        await report
    except Conflict:
        log.warning("delivery_lease_lost")
    except ServiceError as error:
        log.warning("outcome_not_reported", reason=_reason(error))
    else:
        return True
    return False


def _reason(error: Exception) -> str:
    """A short description of the error that holds nothing of the payload."""
    if isinstance(error, CallFailed):
        return f"{error.callee_status} {error.callee_code or ''}".rstrip()
    return error.code if isinstance(error, ServiceError) else type(error).__name__
