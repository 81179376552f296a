"""The outbox in memory, with the rules of back-postgres: order, leases, attempts, pauses."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from pydantic import JsonValue

from outbox_client import ERROR_MAX_LENGTH, Outcome
from shared.kit.errors import Conflict, NotFound, ServiceError
from shared.models.event import (
    CompletedDelivery,
    Delivery,
    EventEnvelope,
    FailedDelivery,
    PostponedDelivery,
    ReleasedDelivery,
)

ATTEMPTS_MAX = 8
LEASE_SECONDS = 30.0
BACK_OFF = 0.02
FAILURES_BEFORE_PAUSE = 5
FAILING_PAUSE = 0.05
UNFINISHED = {"pending", "sent", "leased"}


@dataclass
class Row:
    """A delivery as the outbox keeps it; `due` is on the monotonic clock."""

    consumer: str
    aggregate_id: UUID
    envelope: EventEnvelope
    delivery_id: UUID = field(default_factory=uuid4)
    state: str = "pending"
    attempts: int = 0
    due: float = 0.0
    lease_token: UUID | None = None
    last_error: str | None = None
    postponed_since: float | None = None


class FakeOutboxClient:
    """Like `HttpOutboxClient`; `down` makes every call fail with that error."""

    def __init__(self, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self.rows: list[Row] = []
        self.down: ServiceError | None = None
        self.claimed_at: list[float] = []
        self.asked_for: list[list[str]] = []
        self.settled: list[list[Outcome]] = []
        self.refused_settlements = 0
        self.renewals = 0
        self.postponed = 0
        self.paused: dict[str, float] = {}
        self.failed: dict[str, set[UUID]] = {}
        self._changed = asyncio.Event()

    @property
    def claims(self) -> int:
        return len(self.claimed_at)

    def add(
        self,
        consumer: str,
        event_type: str = "user.registered",
        *,
        aggregate_id: UUID | None = None,
        payload: dict[str, JsonValue] | None = None,
    ) -> Row:
        """Store an event with one delivery."""
        envelope = EventEnvelope(
            event_id=uuid4(),
            event_type=event_type,
            occurred_at=datetime.now(UTC),
            correlation_id="correlation-of-test",
            payload=payload or {},
        )
        row = Row(consumer, aggregate_id or uuid4(), envelope)
        self.rows.append(row)
        self._changed.set()
        return row

    async def claim(
        self,
        consumers: Sequence[str],
        *,
        limit: int,
        wait_seconds: float,
        in_batches: Sequence[str] = (),
    ) -> list[Delivery]:
        self.claimed_at.append(time.monotonic())
        self.asked_for.append(list(consumers))
        ends = time.monotonic() + wait_seconds
        while True:
            self._check()
            due: list[Row] = []
            for consumer in consumers:
                due += self._due_of(consumer, limit, in_batches=consumer in in_batches)
            if due or time.monotonic() >= ends:
                due.sort(key=self.rows.index)
                return [self._leased(row, "sent") for row in due]
            await self._change_or_moment()

    def _due_of(self, consumer: str, limit: int, *, in_batches: bool) -> list[Row]:
        of_consumer = [row for row in self.rows if row.consumer == consumer]
        heads = [row for row in of_consumer if self._is_due(row)]
        if heads and self._is_failing(consumer):
            self.paused[consumer] = time.monotonic() + self.lease_seconds
            return heads[:1]
        due: list[Row] = []
        for head in heads:
            due.append(head)
            behind = [row for row in of_consumer if row.aggregate_id == head.aggregate_id]
            for row in behind[behind.index(head) + 1 :] if in_batches else []:
                if row.state != "pending" or row.due > time.monotonic():
                    break
                due.append(row)
        return due[:limit]

    async def settle(self, outcomes: Sequence[Outcome]) -> list[UUID]:
        self.refused_settlements += self.down is not None
        self._check()
        self.settled.append(list(outcomes))
        lost: list[UUID] = []
        reached = {
            self._row(it.delivery_id).consumer
            for it in outcomes
            if isinstance(it, CompletedDelivery)
        }
        for outcome in outcomes:
            row = self._row(outcome.delivery_id)
            if row.lease_token != outcome.lease_token:
                lost.append(outcome.delivery_id)
                continue
            if row.state not in {"sent", "leased"}:
                continue  # a repeat
            match outcome:
                case CompletedDelivery():
                    self._complete(row)
                case FailedDelivery():
                    at_fault = outcome.event_at_fault or row.consumer in reached
                    self._fail(row, outcome.model_copy(update={"event_at_fault": at_fault}))
                case PostponedDelivery():
                    self._postpone(row, outcome.pause_seconds)
                case ReleasedDelivery():
                    row.state, row.due = "pending", 0.0
        self._changed.set()
        return lost

    async def take(self, delivery_id: UUID) -> Delivery:
        self._check()
        row = self._row(delivery_id)
        if row.state != "sent" and not (row.state in UNFINISHED and row.due <= time.monotonic()):
            raise Conflict("It is not to be had.", code="delivery_not_available")
        return self._leased(row, "leased")

    async def renew(self, delivery: Delivery) -> None:
        self._check()
        self.renewals += 1
        self._held(delivery).due = time.monotonic() + self.lease_seconds

    async def complete(self, delivery: Delivery) -> None:
        self._check()
        self._complete(self._held(delivery))

    def _complete(self, row: Row) -> None:
        row.state = "done"
        self.paused.pop(row.consumer, None)
        self.failed.pop(row.consumer, None)
        self._changed.set()

    async def fail(
        self,
        delivery: Delivery,
        error: str,
        *,
        final: bool = False,
        event_at_fault: bool = False,
        retry_seconds: float | None = None,
    ) -> None:
        self._check()
        failed = FailedDelivery(
            delivery_id=delivery.delivery_id,
            lease_token=delivery.lease_token,
            error=error[:ERROR_MAX_LENGTH],
            final=final,
            event_at_fault=event_at_fault,
            retry_seconds=retry_seconds,
        )
        self._fail(self._held(delivery), failed)

    def _fail(self, row: Row, failed: FailedDelivery) -> None:
        row.attempts += 1
        row.last_error = failed.error
        row.postponed_since = None
        row.state = "dead" if failed.final or row.attempts >= ATTEMPTS_MAX else "pending"
        pause = BACK_OFF if failed.retry_seconds is None else failed.retry_seconds
        row.due = time.monotonic() + pause
        if not failed.event_at_fault:
            self.failed.setdefault(row.consumer, set()).add(row.envelope.event_id)
            if self._is_failing(row.consumer):
                self.paused[row.consumer] = time.monotonic() + FAILING_PAUSE
        self._changed.set()

    async def postpone(self, delivery: Delivery, pause_seconds: float) -> None:
        self._check()
        self._postpone(self._held(delivery), pause_seconds)

    def _postpone(self, row: Row, pause_seconds: float) -> None:
        row.state, row.due = "pending", 0.0
        row.postponed_since = row.postponed_since or time.monotonic()
        self.postponed += 1
        self.paused[row.consumer] = time.monotonic() + pause_seconds

    def _check(self) -> None:
        if self.down:
            raise self.down

    def _is_failing(self, consumer: str) -> bool:
        return len(self.failed.get(consumer, ())) >= FAILURES_BEFORE_PAUSE

    def _is_due(self, row: Row) -> bool:
        now = time.monotonic()
        first = next(
            one
            for one in self.rows
            if one.aggregate_id == row.aggregate_id
            and one.consumer == row.consumer
            and (one.state in UNFINISHED or one is row)
        )
        return (
            row.state in UNFINISHED
            and first is row
            and row.due <= now
            and self.paused.get(row.consumer, 0) <= now
        )

    def _leased(self, row: Row, state: str) -> Delivery:
        row.attempts += row.state == "leased"
        row.state, row.lease_token = state, uuid4()
        now = time.monotonic()
        row.due = now + self.lease_seconds
        since = now if row.postponed_since is None else row.postponed_since
        return Delivery(
            delivery_id=row.delivery_id,
            postponed_seconds=now - since,
            consumer=row.consumer,
            aggregate_id=row.aggregate_id,
            attempts=row.attempts,
            lease_token=row.lease_token,
            lease_until=datetime.now(UTC),
            envelope=row.envelope,
        )

    def _row(self, delivery_id: UUID) -> Row:
        for row in self.rows:
            if row.delivery_id == delivery_id:
                return row
        raise NotFound("There is no such delivery.", code="delivery_not_found")

    def _held(self, delivery: Delivery) -> Row:
        row = self._row(delivery.delivery_id)
        if row.lease_token != delivery.lease_token or row.state not in {"sent", "leased"}:
            raise Conflict("Another one holds it.", code="lease_lost")
        return row

    async def _change_or_moment(self) -> None:
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await self._changed.wait()
