"""Removes what the stack holds of a user who deleted the account, beside rows and timelines.

The consumers of `user.deleted` that store events of a user (`audit`, `live`, `timeline`, `unread`)
remove what they stored; this one removes what came there otherwise.
"""

import asyncio
from pathlib import Path

from pydantic import ValidationError

from delivery_handler import Effect, Undeliverable
from exports.export_file import remove_user
from shared.kit import ServiceClient
from shared.models.account import ForgetUser, UserDeleted, UserForgotten
from shared.models.event import Delivery

UNDELIVERED = ("live", "mail", "notifications", "timeline", "unread")
"""Consumers that get nothing more about a deleted user than that."""


def erasure(postgres: ServiceClient, redis: ServiceClient, exports: Path) -> Effect:
    """Remove responses of requests, what the outbox holds, and the lines of exports.

    A repeat changes nothing.
    """

    async def erase(delivery: Delivery) -> None:
        try:
            user_id = UserDeleted.model_validate(delivery.envelope.payload).user_id
        except ValidationError:
            raise Undeliverable("the payload names no user_id") from None
        await redis.delete(f"/users/{user_id}")
        asked = ForgetUser(
            user_id=user_id,
            deletion_id=delivery.envelope.event_id,
            undelivered=list(UNDELIVERED),
        )
        complete = False
        while not complete:
            forgotten = await postgres.post(
                "/outbox/forget", asked, response_model=UserForgotten, idempotent=True
            )
            complete = forgotten.complete
        await asyncio.to_thread(remove_user, exports, user_id)

    return erase
