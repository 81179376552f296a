"""Handles a delivery in a worker: the way of every consumer whose workers the relay notifies."""

from uuid import UUID

import structlog

from delivery_handler import Effect, handle_delivery, reason_of
from outbox_client import OutboxClient
from settings import PostponePolicy
from shared.kit.errors import Conflict, NotFound, ServiceError

log = structlog.get_logger()


async def take_and_handle(
    outbox: OutboxClient,
    delivery_id: UUID,
    effect: Effect,
    *,
    seconds: float | None,
    policy: PostponePolicy,
) -> None:
    """Lease a delivery, run its effect and report the outcome.

    Nothing happens when it is done, leased by another worker, or waits for its next attempt. One
    that can't be leased for another reason is due again when the lease of the relay ends.
    """
    try:
        delivery = await outbox.take(delivery_id)
    except (Conflict, NotFound) as nothing_to_do:
        log.info("delivery_not_due", delivery_id=str(delivery_id), reason=nothing_to_do.code)
        return
    except ServiceError as error:
        log.warning("delivery_not_taken", delivery_id=str(delivery_id), reason=reason_of(error))
        return
    await handle_delivery(outbox, delivery, effect, seconds=seconds, policy=policy)
