"""Runs the effect of a delivery and reports its outcome to the outbox, for every consumer."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from outbox_client import OutboxClient
from shared.kit.errors import Conflict, ServiceError, TimedOut, Unavailable
from shared.kit.http.context import correlated
from shared.models.event import Delivery

log = structlog.get_logger()

Effect = Callable[[Delivery], Awaitable[None]]

GIVE_BACK_SECONDS = 0.1
"""The pause of a consumer whose delivery is released at a stop: the consumer itself is healthy."""


class Undeliverable(Exception):
    """The effect can never succeed; the message says why and holds nothing of the payload."""


class LeaseLost(Exception):
    """Another worker holds the delivery now."""


async def handle_delivery(
    outbox: OutboxClient,
    delivery: Delivery,
    effect: Effect,
    *,
    seconds: float,
    pause_seconds: float,
    completes: bool = True,
) -> None:
    """Run the effect for at most `seconds`, then complete, postpone or fail the delivery.

    A consumer that can't be reached or takes too long costs no attempt and pauses for
    `pause_seconds`; any other error counts as an attempt. With `completes=False` the effect only
    notifies a worker, which completes the delivery itself.
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
        except (Unavailable, TimedOut, TimeoutError) as error:
            delivery_log.warning("delivery_postponed", reason=_reason(error))
            await _reported(outbox.postpone(delivery, pause_seconds))
        except Exception as error:  # noqa: BLE001  (no error may stop other deliveries)
            expected = isinstance(error, ServiceError | Undeliverable)
            delivery_log.warning("delivery_failed", reason=_reason(error), exc_info=not expected)
            await _reported(outbox.fail(delivery, _reason(error)))
        else:
            if not completes:
                delivery_log.info("delivery_notified")
            elif await _reported(outbox.complete(delivery)):
                delivery_log.info("delivery_completed")


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
    if isinstance(error, ServiceError):
        return error.code
    return str(error) if isinstance(error, Undeliverable) else type(error).__name__
