"""Deliveries behind an unfinished one: none is claimed too early, none stays behind for ever."""

import asyncio
from collections import defaultdict
from uuid import UUID, uuid4

import pytest

from database import Database
from repositories.command_repository import CommandRepository
from repositories.delivery_repository import DeliveryRepository
from shared.models.event import (
    ClaimDeliveries,
    CompletedDelivery,
    Delivery,
    FailedDelivery,
    ReleasedDelivery,
    SettleDeliveries,
)
from tests.builders import event, recording
from tests.database_waiting import until_found

AGGREGATES = 3
EVENTS = 120
RELAYS = 3
NO_TIME_TO_LOSE = 60.0  # seconds


@pytest.fixture
def asked() -> ClaimDeliveries:
    return ClaimDeliveries(consumers=["mail", "audit"], limit=7, in_batches=["audit"])


class TestUnderConcurrency:
    async def test_writers_and_relays_side_by_side_lose_nothing_and_keep_the_order(
        self,
        commands: CommandRepository,
        deliveries: DeliveryRepository,
        database: Database,
        asked: ClaimDeliveries,
    ) -> None:
        aggregates = [uuid4() for _ in range(AGGREGATES)]
        handled: dict[tuple[str, UUID], list[UUID]] = defaultdict(list)
        aggregate_of: dict[UUID, UUID] = {}
        left = 2 * EVENTS

        async def write(number: int) -> None:
            new = event(aggregate_id=aggregates[number % AGGREGATES])
            aggregate_of[new.envelope.event_id] = new.aggregate_id
            await commands.record_events(recording(new))

        async def relay(number: int) -> None:
            nonlocal left
            rounds = 0
            while left > 0:
                rounds += 1
                batch = (await deliveries.claim(asked)).items
                failing = rounds % 5 == number
                settled = self._settled(batch, failing=failing)
                lost = (await deliveries.settle(settled)).lost
                assert lost == []
                for one in batch if not failing else []:
                    event_id = one.envelope.event_id
                    handled[one.consumer, aggregate_of[event_id]].append(event_id)
                    left -= 1

        async with asyncio.timeout(NO_TIME_TO_LOSE), asyncio.TaskGroup() as group:
            for number in range(RELAYS):
                group.create_task(relay(number))
            for start in range(0, EVENTS, 4):
                await asyncio.gather(*(write(number) for number in range(start, start + 4)))

        rows = await database.rows(
            "SELECT consumer, aggregate_id, event_id FROM deliveries ORDER BY position"
        )
        expected = defaultdict(list)
        for row in rows:
            expected[row["consumer"], row["aggregate_id"]].append(row["event_id"])
        assert handled == expected
        assert await database.rows("SELECT FROM deliveries WHERE state <> 'done'") == []

    def _settled(self, batch: list[Delivery], *, failing: bool) -> SettleDeliveries:
        held = [{"delivery_id": it.delivery_id, "lease_token": it.lease_token} for it in batch]
        if not failing:
            return SettleDeliveries(completed=[CompletedDelivery(**it) for it in held])
        return SettleDeliveries(
            failed=[
                FailedDelivery(**it, error="again", event_at_fault=True, retry_seconds=0.001)
                for it in held[:1]
            ],
            released=[ReleasedDelivery(**it) for it in held[1:]],
        )

    async def test_one_that_is_stored_while_the_one_before_it_is_settled(
        self,
        commands: CommandRepository,
        deliveries: DeliveryRepository,
        database: Database,
        asked: ClaimDeliveries,
    ) -> None:
        aggregate = uuid4()
        await commands.record_events(recording(event(aggregate_id=aggregate)))
        first = (await deliveries.claim(asked)).items
        stored, commit = asyncio.Event(), asyncio.Event()

        # The second event is stored, but not committed, when the first is settled.
        store = commands._events.store

        async def store_and_wait(*args: object, **named: object) -> None:
            await store(*args, **named)  # type: ignore[arg-type]
            stored.set()
            await commit.wait()

        commands._events.store = store_and_wait  # type: ignore[method-assign]
        writing = asyncio.create_task(
            commands.record_events(recording(event(aggregate_id=aggregate)))
        )
        await stored.wait()
        settling = asyncio.create_task(
            deliveries.settle(
                SettleDeliveries(
                    completed=[
                        CompletedDelivery(delivery_id=it.delivery_id, lease_token=it.lease_token)
                        for it in first
                    ]
                )
            )
        )
        await until_found(database, "SELECT pid FROM pg_locks WHERE NOT granted")
        commit.set()
        await asyncio.gather(writing, settling)

        assert len((await deliveries.claim(asked)).items) == 2
