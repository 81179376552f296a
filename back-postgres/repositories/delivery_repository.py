"""Deliveries: one event for one consumer, leased to the worker that handles it.

    pending --claim--> sent --take--> leased --complete--> done
       ^                 |               |
       +--- fail, postpone, lease over --+--- attempts spent ---> dead

An attempt is spent by `fail`, and by a lease that a worker took and let run out; that one is
counted when the delivery is claimed or taken again. Neither a claim nor `postpone` spends one.
After several different events of a consumer have failed in a row, the consumer is paused; then a
claim gives one of its deliveries and pauses it again for the lease, until one is completed.

Within an aggregate and a consumer only the earliest unfinished delivery can be claimed. A dead
one does not hold up those behind it: one broken event must not silence its aggregate for ever.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.delivery_statements import (
    CLAIM,
    COMPLETE,
    FAIL,
    POSTPONE,
    RENEW,
    STANDS,
    TAKE,
)
from settings import RetryPolicy
from shared.kit.errors import Conflict, NotFound
from shared.models.event import (
    ClaimDeliveries,
    CompleteDelivery,
    Deliveries,
    Delivery,
    EventEnvelope,
    FailDelivery,
    HoldLease,
    PostponeDelivery,
    TakeDelivery,
)

if TYPE_CHECKING:
    import asyncpg


class DeliveryRepository:
    """Reads and writes `deliveries` and `consumer_pauses`."""

    def __init__(self, database: Database, policy: RetryPolicy) -> None:
        self._database = database
        self._policy = policy

    async def claim(self, asked: ClaimDeliveries) -> Deliveries:
        """Lease what is due now; no two callers get the same delivery."""
        rows = await self._database.rows(
            CLAIM,
            asked.consumers,
            asked.limit,
            asked.lease_seconds,
            self._policy.attempts_max,
            self._policy.failures_before_pause,
        )
        return Deliveries(items=[_delivery(row) for row in rows])

    async def take(self, delivery_id: UUID, asked: TakeDelivery) -> Delivery:
        """Lease one delivery to a worker; it replaces the lease of the claim that sent it.

        Raises:
            NotFound: `delivery_not_found`.
            Conflict: `delivery_not_available`, a worker holds it, it waits for its next attempt,
                or it is done or dead.
        """
        row = await self._database.row(
            TAKE, delivery_id, asked.lease_seconds, self._policy.attempts_max
        )
        if row is not None and row["state"] == "leased":
            return _delivery(row)
        if await self._database.row(STANDS, delivery_id) is None:
            raise NotFound("There is no such delivery.", code="delivery_not_found")
        raise Conflict("The delivery is not to be had now.", code="delivery_not_available")

    async def renew(self, delivery_id: UUID, held: HoldLease) -> None:
        """Renew the lease for `lease_seconds` from now. Raises Conflict `lease_lost`."""
        row = await self._database.row(RENEW, delivery_id, held.lease_token, held.lease_seconds)
        if row is None:
            raise _lease_lost()

    async def complete(self, delivery_id: UUID, held: CompleteDelivery) -> None:
        """Mark the delivery as done and end the pause of its consumer.

        A repeat under the same lease changes nothing; so it is with `fail` and `postpone`.

        Raises:
            Conflict: `lease_lost`.
        """
        if await self._database.row(COMPLETE, delivery_id, held.lease_token) is None:
            await self._check_repeated(delivery_id, held.lease_token, "done")

    async def fail(self, delivery_id: UUID, held: FailDelivery) -> None:
        """Count an attempt: retry with back-off, or dead-letter.

        After several different events in a row the consumer is paused; a failure that its event
        is to blame for doesn't count.

        Raises:
            Conflict: `lease_lost`.
        """
        policy = self._policy
        row = await self._database.row(
            FAIL,
            delivery_id,
            held.lease_token,
            held.error,
            policy.attempts_max,
            policy.backoff,
            policy.backoff_max,
            held.final,
            held.retry_seconds,
            held.event_at_fault,
            policy.failures_before_pause,
            policy.failing_pause,
            policy.failing_pause_max,
        )
        if row is None:
            await self._check_repeated(delivery_id, held.lease_token, "pending", "dead")

    async def postpone(self, delivery_id: UUID, held: PostponeDelivery) -> None:
        """Release the delivery and pause its consumer. Raises Conflict `lease_lost`."""
        policy = self._policy
        row = await self._database.row(
            POSTPONE,
            delivery_id,
            held.lease_token,
            held.pause_seconds,
            policy.pause,
            policy.pause_max,
        )
        if row is None:
            await self._check_repeated(delivery_id, held.lease_token, "pending")

    async def _check_repeated(self, delivery_id: UUID, lease_token: UUID, *states: str) -> None:
        row = await self._database.row(STANDS, delivery_id)
        if row is None or row["lease_token"] != lease_token or row["state"] not in states:
            raise _lease_lost()


def _delivery(row: "asyncpg.Record") -> Delivery:
    return Delivery(
        delivery_id=row["delivery_id"],
        consumer=row["consumer"],
        attempts=row["attempts"],
        lease_token=row["lease_token"],
        lease_until=row["due_at"],
        postponed_seconds=row["postponed_seconds"],
        traceparent=row["traceparent"],
        envelope=EventEnvelope.model_validate(dict(row)),
    )


def _lease_lost() -> Conflict:
    return Conflict("The lease is not held any more.", code="lease_lost")
