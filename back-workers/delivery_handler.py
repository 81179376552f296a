"""Runs the effect of a delivery and reports its outcome to the outbox, for every consumer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

import structlog
from structlog.typing import FilteringBoundLogger

from outbox_client import ERROR_MAX_LENGTH, OutboxClient
from settings import PostponePolicy
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
from shared.models.event import Delivery, FailedDelivery, PostponedDelivery, ReleasedDelivery

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


class Released(Exception):
    """The worker stops: another one is to go on. No attempt is counted, and nothing pauses."""


async def handle_delivery(
    outbox: OutboxClient,
    delivery: Delivery,
    effect: Effect,
    *,
    seconds: float | None,
    policy: PostponePolicy,
) -> None:
    """Run the effect for at most `seconds` and report its outcome."""
    with correlated_with(delivery):
        delivery_log = log_of(delivery)
        try:
            async with asyncio.timeout(seconds):
                await effect(delivery)
        except LeaseLost:
            delivery_log.warning("delivery_lease_lost")
        except Released:
            released = ReleasedDelivery(
                delivery_id=delivery.delivery_id, lease_token=delivery.lease_token
            )
            if await _reported(outbox.settle([released])):
                delivery_log.info("delivery_released")
        except asyncio.CancelledError:
            release = _reported(outbox.postpone(delivery, GIVE_BACK_SECONDS))
            if await asyncio.shield(release):
                delivery_log.info("delivery_released")
            raise
        except Exception as error:  # noqa: BLE001  (no error may stop other deliveries)
            outcome = outcome_of_error(delivery, error, policy)
            if isinstance(outcome, PostponedDelivery):
                await _reported(outbox.postpone(delivery, outcome.pause_seconds))
            else:
                failed = outbox.fail(
                    delivery,
                    outcome.error,
                    final=outcome.final,
                    event_at_fault=outcome.event_at_fault,
                    retry_seconds=outcome.retry_seconds,
                )
                await _reported(failed)
        else:
            if await _reported(outbox.complete(delivery)):
                delivery_log.info("delivery_completed")


def correlated_with(delivery: Delivery) -> AbstractContextManager[None]:
    """A block that has the correlation id and the trace of the event."""
    return correlated(delivery.envelope.correlation_id, traceparent=delivery.traceparent)


def log_of(delivery: Delivery) -> FilteringBoundLogger:
    """The log with the ids of a delivery."""
    bound: FilteringBoundLogger = log.bind(
        consumer=delivery.consumer,
        delivery_id=str(delivery.delivery_id),
        event_id=str(delivery.envelope.event_id),
        event_type=delivery.envelope.event_type,
        attempts=delivery.attempts,
    )
    return bound


def outcome_of_error(
    delivery: Delivery, error: Exception, policy: PostponePolicy
) -> FailedDelivery | PostponedDelivery:
    """What an error of the effect means for the delivery; it is logged.

    A consumer that can't be reached, takes too long or does not serve the call costs no attempt
    and pauses, until a delivery has been postponed for the longest time of the policy. Any other
    error counts as an attempt.
    """
    delivery_log = log_of(delivery)
    if may_be_postponed(error):
        if delivery.postponed_seconds < policy.max_seconds:
            delivery_log.warning("delivery_postponed", reason=reason_of(error))
            return PostponedDelivery(
                delivery_id=delivery.delivery_id,
                lease_token=delivery.lease_token,
                pause_seconds=_pause(error, policy.pause_seconds),
            )
        delivery_log.error(
            "delivery_postponed_too_long",
            reason=reason_of(error),
            postponed_seconds=round(delivery.postponed_seconds),
        )
        return _failed(delivery, reason_of(error))
    if isinstance(error, DeliveryFailed):
        delivery_log.warning("delivery_failed", reason=str(error), final=error.final)
        return _failed(
            delivery,
            str(error),
            final=error.final,
            event_at_fault=error.event_at_fault,
            retry_seconds=error.retry_seconds,
        )
    expected = isinstance(error, ServiceError)
    delivery_log.warning(
        "delivery_failed", reason=reason_of(error), exc_info=None if expected else error
    )
    return _failed(delivery, reason_of(error))


def _failed(
    delivery: Delivery,
    reason: str,
    *,
    final: bool = False,
    event_at_fault: bool = False,
    retry_seconds: float | None = None,
) -> FailedDelivery:
    return FailedDelivery(
        delivery_id=delivery.delivery_id,
        lease_token=delivery.lease_token,
        error=reason[:ERROR_MAX_LENGTH],
        final=final,
        event_at_fault=event_at_fault,
        retry_seconds=retry_seconds,
    )


def may_be_postponed(error: Exception) -> bool:
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


async def _reported(report: Awaitable[object]) -> bool:
    """Whether the outbox stored the outcome; else the delivery is repeated after its lease."""
    try:
        await report
    except Conflict:
        log.warning("delivery_lease_lost")
    except ServiceError as error:
        log.warning("outcome_not_reported", reason=reason_of(error))
    else:
        return True
    return False


def reason_of(error: Exception) -> str:
    """A short description of the error that holds nothing of the payload."""
    if isinstance(error, CallFailed):
        return f"{error.callee_status} {error.callee_code or ''}".rstrip()
    return error.code if isinstance(error, ServiceError) else type(error).__name__
