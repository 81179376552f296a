"""Deliveries: one event for one consumer, leased to the worker that handles it.

    pending --claim--> sent --take--> leased --complete--> done
       ^                 |               |
       +--- fail, postpone, lease over --+--- attempts spent ---> dead

An attempt is spent by `fail`, and by a lease that a worker took and let run out; that one is
counted when the delivery is claimed or taken again. Neither a claim nor `postpone` spends one.
After several different events of a consumer have failed in a row, the consumer is paused; then a
claim gives one of its deliveries and pauses it again for the lease, until one is completed.

Within an aggregate and a consumer only the earliest unfinished delivery can be claimed, and those
right behind it where the consumer handles batches in their order. A dead one does not hold up those
behind it: one broken event must not silence its aggregate for ever.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.delivery_statements import (
    CLAIM,
    COMPLETE,
    EXISTS,
    FAIL,
    LOCK,
    POSTPONE,
    RENEW,
    SETTLED_BEFORE,
    TAKE,
)
from settings import RetryPolicy
from shared.kit.errors import Conflict, NotFound
from shared.models.event import (
    ClaimDeliveries,
    CompletedDelivery,
    Deliveries,
    DeliveriesSettled,
    Delivery,
    FailedDelivery,
    HoldLease,
    PostponedDelivery,
    ReleasedDelivery,
    SettleDeliveries,
    TakeDelivery,
)

if TYPE_CHECKING:
    import asyncpg

    from database import Connection

Settled = CompletedDelivery | FailedDelivery | PostponedDelivery | ReleasedDelivery


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
            asked.in_batches,
        )
        return Deliveries.model_validate({"items": [_columns(row) for row in rows]})

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
            return Delivery.model_validate(_columns(row))
        if await self._database.row(EXISTS, delivery_id) is None:
            raise NotFound("There is no such delivery.", code="delivery_not_found")
        raise Conflict("The delivery is not to be had now.", code="delivery_not_available")

    async def renew(self, delivery_id: UUID, held: HoldLease) -> None:
        """Renew the lease for `lease_seconds` from now. Raises Conflict `lease_lost`."""
        row = await self._database.row(RENEW, delivery_id, held.lease_token, held.lease_seconds)
        if row is None:
            raise _lease_lost()

    async def settle(self, asked: SettleDeliveries) -> DeliveriesSettled:
        """Store outcomes in one transaction; a repeat under the same lease changes nothing.

        A completion ends the pause of its consumer. A failure counts an attempt: the delivery is
        retried with back-off, or dead-lettered. After failures of several different events with no
        completion among them the consumer is paused; a failure that its event is to blame for
        doesn't count. A postponed delivery pauses its consumer and costs no attempt, a released
        one only comes back.
        """
        if asked.failed or asked.postponed or asked.released:
            async with self._database.transaction() as connection:
                lost = await self._settle(connection, asked)
        else:
            async with self._database.connection() as connection:
                lost = await self._complete(connection, asked.completed)
        return DeliveriesSettled(lost=[delivery.delivery_id for delivery in lost])

    async def settle_one(self, settled: Settled) -> None:
        """As `settle`. Raises Conflict `lease_lost`."""
        match settled:
            case CompletedDelivery():
                asked = SettleDeliveries(completed=[settled])
            case FailedDelivery():
                asked = SettleDeliveries(failed=[settled])
            case PostponedDelivery():
                asked = SettleDeliveries(postponed=[settled])
            case ReleasedDelivery():
                asked = SettleDeliveries(released=[settled])
        if (await self.settle(asked)).lost:
            raise _lease_lost()

    async def _settle(self, connection: "Connection", asked: SettleDeliveries) -> list[Settled]:
        given: list[Settled] = [*asked.completed, *asked.failed, *asked.postponed, *asked.released]
        await connection.execute(LOCK, [delivery.delivery_id for delivery in given])
        completed = await connection.fetch(COMPLETE, *_held(asked.completed))
        return [
            *await _lost(connection, asked.completed, completed, "done"),
            *await self._fail(connection, asked.failed, {row["consumer"] for row in completed}),
            *await self._postpone(connection, [*asked.postponed, *asked.released]),
        ]

    async def _complete(
        self, connection: "Connection", completed: Sequence[CompletedDelivery]
    ) -> list[Settled]:
        rows = await connection.fetch(COMPLETE, *_held(completed))
        return await _lost(connection, completed, rows, "done")

    async def _fail(
        self, connection: "Connection", failed: Sequence[FailedDelivery], reached: set[str]
    ) -> list[Settled]:
        """Failures of the consumers in `reached`, which completed others, are not in a row."""
        if not failed:
            return []
        policy = self._policy
        rows = await connection.fetch(
            FAIL,
            policy.attempts_max,
            policy.backoff,
            policy.backoff_max,
            policy.failures_before_pause,
            policy.failing_pause,
            policy.failing_pause_max,
            *_held(failed),
            [delivery.error for delivery in failed],
            [delivery.final for delivery in failed],
            [delivery.event_at_fault for delivery in failed],
            [delivery.retry_seconds for delivery in failed],
            list(reached),
        )
        return await _lost(connection, failed, rows, "pending", "dead")

    async def _postpone(
        self, connection: "Connection", given_back: Sequence[PostponedDelivery | ReleasedDelivery]
    ) -> list[Settled]:
        if not given_back:
            return []
        rows = await connection.fetch(
            POSTPONE,
            self._policy.pause,
            self._policy.pause_max,
            *_held(given_back),
            [
                delivery.pause_seconds if isinstance(delivery, PostponedDelivery) else None
                for delivery in given_back
            ],
        )
        return await _lost(connection, given_back, rows, "pending")


def _held(given: Sequence[Settled]) -> tuple[list[UUID], list[UUID]]:
    return [it.delivery_id for it in given], [it.lease_token for it in given]


async def _lost(
    connection: "Connection",
    given: Sequence[Settled],
    settled: "Sequence[asyncpg.Record]",
    *states: str,
) -> list[Settled]:
    """Those of `given` that were neither settled now nor before, under the same lease."""
    found = {row["delivery_id"] for row in settled}
    missing = [delivery for delivery in given if delivery.delivery_id not in found]
    if missing:
        before = await connection.fetch(SETTLED_BEFORE, *_held(missing), states)
        found |= {row["delivery_id"] for row in before}
    return [delivery for delivery in missing if delivery.delivery_id not in found]


def _columns(row: "asyncpg.Record") -> dict[str, object]:
    """The fields of a `Delivery`; a record gives those of its envelope among others."""
    columns: dict[str, object] = dict(row)
    return {**columns, "lease_until": columns["due_at"], "envelope": columns}


def _lease_lost() -> Conflict:
    return Conflict("The lease is not held any more.", code="lease_lost")
