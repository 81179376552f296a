"""What becomes of a delivery, by the outcome of its effect: the one rule for all consumers."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from outbox_client import Outbox
from shared.kit.errors import Conflict, ServiceError, TimedOut, Unavailable
from shared.kit.http.context import correlated
from shared.models.event import Delivery

log = structlog.get_logger()

Effect = Callable[[Delivery], Awaitable[None]]

GIVE_BACK_SECONDS = 0.1
"""Nothing is wrong with the consumer of a delivery that is given back: it need not rest long."""


class Undeliverable(Exception):
    """The effect can't happen; the message says why, without any of the payload."""


class LeaseLost(Exception):
    """Another worker holds the delivery now."""


async def deliver(
    outbox: Outbox,
    delivery: Delivery,
    effect: Effect,
    *,
    seconds: float,
    pause_seconds: float,
    completes: bool = True,
) -> None:
    """Let the effect happen within `seconds` and tell the outbox how it went.

    Out of reach or out of time costs no attempt and lets the consumer rest; any other error
    spends one. With `completes=False` whoever was woken completes the delivery.
    """
    envelope = delivery.envelope
    with correlated(envelope.correlation_id, traceparent=delivery.traceparent):
        at_hand = log.bind(
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
            at_hand.warning("delivery_lost")
        except asyncio.CancelledError:
            giving_back = _told(outbox.postpone(delivery, GIVE_BACK_SECONDS))
            if await asyncio.shield(giving_back):
                at_hand.info("delivery_given_back")
            raise
        except (Unavailable, TimedOut, TimeoutError) as error:
            at_hand.warning("delivery_postponed", reason=_reason(error))
            await _told(outbox.postpone(delivery, pause_seconds))
        except Exception as error:  # noqa: BLE001  (whatever it is, it may not stop the others)
            foreseen = isinstance(error, ServiceError | Undeliverable)
            at_hand.warning("delivery_failed", reason=_reason(error), exc_info=not foreseen)
            await _told(outbox.fail(delivery, _reason(error)))
        else:
            if not completes:
                at_hand.info("delivery_handed_on")
            elif await _told(outbox.complete(delivery)):
                at_hand.info("delivery_completed")


async def _told(telling: Awaitable[None]) -> bool:
    """Whether the outbox knows now; if not, the lease runs out and the delivery comes again."""
    try:
        await telling
    except Conflict:
        log.warning("delivery_lost")
    except ServiceError as error:
        log.warning("outbox_not_told", reason=_reason(error))
    else:
        return True
    return False


def _reason(error: Exception) -> str:
    """The error in a few words: never its payload."""
    if isinstance(error, ServiceError):
        return error.code
    return str(error) if isinstance(error, Undeliverable) else type(error).__name__
