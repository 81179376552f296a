import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest

from database import Database
from repositories.command_repository import CommandRepository
from repositories.delivery_repository import DeliveryRepository
from shared.kit.errors import Conflict, NotFound
from shared.models.event import (
    ClaimDeliveries,
    CompletedDelivery,
    Delivery,
    FailedDelivery,
    HoldLease,
    NewEvent,
    PostponedDelivery,
    ReleasedDelivery,
    SettleDeliveries,
    TakeDelivery,
)
from tests.builders import event, recording
from tests.database_clock import Clock


def completed(held: Delivery) -> CompletedDelivery:
    return CompletedDelivery(delivery_id=held.delivery_id, lease_token=held.lease_token)


def failed(
    held: Delivery,
    *,
    final: bool = False,
    event_at_fault: bool = False,
    retry_seconds: float | None = None,
) -> FailedDelivery:
    return FailedDelivery(
        delivery_id=held.delivery_id,
        lease_token=held.lease_token,
        error="it broke",
        final=final,
        event_at_fault=event_at_fault,
        retry_seconds=retry_seconds,
    )


def postponed(held: Delivery, pause_seconds: float = 0.1) -> PostponedDelivery:
    return PostponedDelivery(
        delivery_id=held.delivery_id, lease_token=held.lease_token, pause_seconds=pause_seconds
    )


def released(held: Delivery) -> ReleasedDelivery:
    return ReleasedDelivery(delivery_id=held.delivery_id, lease_token=held.lease_token)


class Queue:
    """Short calls for deliveries."""

    def __init__(
        self,
        commands: CommandRepository,
        deliveries: DeliveryRepository,
        database: Database,
        clock: Clock,
    ) -> None:
        self._commands = commands
        self._deliveries = deliveries
        self._database = database
        self.time_passes = clock.advance

    async def put(self, *events: NewEvent) -> None:
        await self._commands.record_events(recording(*events))

    async def claim(
        self,
        *consumers: str,
        limit: int = 50,
        lease_seconds: float = 8,
        in_batches: Sequence[str] = (),
    ) -> Sequence[Delivery]:
        asked = ClaimDeliveries(
            consumers=list(consumers or ("mail",)),
            limit=limit,
            lease_seconds=lease_seconds,
            in_batches=list(in_batches),
        )
        return (await self._deliveries.claim(asked)).items

    async def claim_one(self, *consumers: str) -> Delivery:
        (delivery,) = await self.claim(*consumers)
        return delivery

    async def take(self, delivery: Delivery) -> Delivery:
        return await self._deliveries.take(delivery.delivery_id, TakeDelivery())

    async def renew(self, held: Delivery) -> None:
        await self._deliveries.renew(held.delivery_id, HoldLease(lease_token=held.lease_token))

    async def complete(self, held: Delivery) -> None:
        await self._deliveries.settle_one(completed(held))

    async def fail(
        self,
        held: Delivery,
        *,
        final: bool = False,
        event_at_fault: bool = False,
        retry_seconds: float | None = None,
    ) -> None:
        await self._deliveries.settle_one(
            failed(held, final=final, event_at_fault=event_at_fault, retry_seconds=retry_seconds)
        )

    async def postpone(self, held: Delivery, pause_seconds: float = 0.1) -> None:
        await self._deliveries.settle_one(postponed(held, pause_seconds))

    async def settle(self, **outcomes: Sequence[object]) -> list[UUID]:
        """The ids of those that were lost."""
        asked = SettleDeliveries.model_validate(outcomes, from_attributes=True)
        return (await self._deliveries.settle(asked)).lost

    async def state(self, delivery: Delivery) -> tuple[str, int]:
        row = await self._row(delivery.delivery_id)
        return row["state"], row["attempts"]

    async def seconds_to_wait(self, delivery: Delivery) -> float:
        row = await self._row(delivery.delivery_id)
        return float(row["wait"])

    async def pause_of(self, consumer: str) -> tuple[float, int] | None:
        row = await self._database.row(
            "SELECT extract(epoch FROM paused_until - now())::float8 AS seconds, failures "
            "FROM consumer_pauses WHERE consumer = $1",
            consumer,
        )
        return (row["seconds"], row["failures"]) if row else None

    async def _row(self, delivery_id: UUID) -> "asyncpg.Record":
        row = await self._database.row(
            "SELECT state, attempts, extract(epoch FROM due_at - now())::float8 AS wait "
            "FROM deliveries WHERE delivery_id = $1",
            delivery_id,
        )
        assert row is not None
        return row


@pytest.fixture
def database(clock: Clock, database: Database) -> Database:
    """The database, at a time that only `Queue.time_passes` moves."""
    assert clock
    return database


@pytest.fixture
def queue(
    commands: CommandRepository,
    deliveries: DeliveryRepository,
    database: Database,
    clock: Clock,
) -> Queue:
    return Queue(commands, deliveries, database, clock)


class TestClaim:
    async def test_gives_the_event_as_it_was_stored(self, queue: Queue) -> None:
        stored = event()
        await queue.put(stored)

        delivery = await queue.claim_one("mail")

        assert delivery.envelope == stored.envelope
        assert (delivery.consumer, delivery.attempts) == ("mail", 0)
        assert await queue.state(delivery) == ("sent", 0)

    async def test_gives_only_what_was_asked_for(self, queue: Queue) -> None:
        await queue.put(event())

        assert await queue.claim("live") == []
        assert len(await queue.claim("mail", "audit", "live")) == 2

    async def test_keeps_the_order_of_an_aggregate_and_a_consumer(self, queue: Queue) -> None:
        aggregate = uuid4()
        events = [event(aggregate_id=aggregate) for _ in range(3)]
        await queue.put(*events)

        for expected in events:
            delivery = await queue.claim_one("mail")
            assert delivery.envelope.event_id == expected.envelope.event_id
            assert await queue.claim("mail") == [], "the next one waits"
            await queue.complete(delivery)
        assert len(await queue.claim("audit")) == 1, "another consumer has its own order"

    async def test_keeps_the_limit_of_each_consumer(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(6)))

        first = await queue.claim("mail", "audit", limit=5)
        rest = await queue.claim("mail", "audit")

        assert sorted(it.consumer for it in first) == ["audit"] * 5 + ["mail"] * 5
        assert len(rest) == 2

    async def test_never_gives_one_to_two(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(20)))
        await queue.put(*(event() for _ in range(20)))

        claims = await asyncio.gather(*(queue.claim("mail", limit=7) for _ in range(10)))

        ids = [delivery.delivery_id for claim in claims for delivery in claim]
        assert len(ids) == len(set(ids))
        left = await queue.claim("mail")
        assert len(ids) + len(left) == 40

    async def test_gives_it_again_when_the_lease_is_over(self, queue: Queue) -> None:
        await queue.put(event())
        first = await queue.claim_one()
        assert await queue.claim() == []
        await queue.time_passes(9)

        second = await queue.claim_one()

        assert second.delivery_id == first.delivery_id
        assert second.lease_token != first.lease_token
        assert second.attempts == 0, "nobody had begun to work on it"
        with pytest.raises(Conflict, match="lease_lost"):
            await queue.complete(first)


class TestInBatches:
    async def test_an_aggregate_comes_in_its_order(self, queue: Queue) -> None:
        aggregate = uuid4()
        events = [event(aggregate_id=aggregate) for _ in range(5)]
        for one in events:
            await queue.put(one)

        batch = await queue.claim("mail", "audit", limit=3, in_batches=["audit"])

        of_audit = [it.envelope.event_id for it in batch if it.consumer == "audit"]
        assert of_audit == [it.envelope.event_id for it in events[:3]]
        assert len(batch) == 4, "the other consumer gets the earliest alone"

    async def test_what_follows_is_claimed_after_all_before_it(self, queue: Queue) -> None:
        aggregate = uuid4()
        await queue.put(*(event(aggregate_id=aggregate) for _ in range(5)))
        first, second, third = await queue.claim("mail", limit=3, in_batches=["mail"])

        assert await queue.claim("mail", in_batches=["mail"]) == []
        await queue.settle(completed=[completed(first), completed(second)])
        assert await queue.claim("mail", in_batches=["mail"]) == []
        await queue.complete(third)

        assert len(await queue.claim("mail", in_batches=["mail"])) == 2

    async def test_the_oldest_come_first_up_to_the_limit(self, queue: Queue) -> None:
        old, new = uuid4(), uuid4()
        await queue.put(*(event(aggregate_id=old) for _ in range(3)))
        await queue.put(*(event(aggregate_id=new) for _ in range(3)))

        batch = await queue.claim("mail", limit=4, in_batches=["mail"])
        rest = await queue.claim("mail", limit=4, in_batches=["mail"])

        assert (len(batch), len(rest)) == (4, 0)
        await queue.settle(completed=[completed(it) for it in batch])
        assert len(await queue.claim("mail", limit=4, in_batches=["mail"])) == 2

    async def test_stops_before_one_that_somebody_holds(
        self, queue: Queue, database: Database
    ) -> None:
        aggregate = uuid4()
        await queue.put(*(event(aggregate_id=aggregate) for _ in range(3)))
        first, second, _ = await queue.claim("mail", limit=3, in_batches=["mail"])
        await queue.renew(second)
        await database.row(
            "UPDATE deliveries SET due_at = now() WHERE delivery_id <> $1", second.delivery_id
        )

        again = await queue.claim("mail", limit=3, in_batches=["mail"])

        assert [it.delivery_id for it in again] == [first.delivery_id]

    async def test_a_batch_whose_relay_died_comes_again_in_order(self, queue: Queue) -> None:
        aggregate = uuid4()
        await queue.put(*(event(aggregate_id=aggregate) for _ in range(3)))
        lost = await queue.claim("mail", limit=3, in_batches=["mail"])
        await queue.time_passes(9)

        again = await queue.claim("mail", limit=3, in_batches=["mail"])

        assert [it.delivery_id for it in again] == [it.delivery_id for it in lost]
        assert await queue.settle(completed=[completed(it) for it in lost]) == [
            it.delivery_id for it in lost
        ]

    async def test_a_probe_is_one_delivery(self, queue: Queue) -> None:
        aggregate = uuid4()
        await queue.put(*(event() for _ in range(5)))
        for held in await queue.claim():
            await queue.fail(held, final=True)
        await queue.put(*(event(aggregate_id=aggregate) for _ in range(3)))
        await queue.time_passes(5)

        assert len(await queue.claim("mail", in_batches=["mail"])) == 1


class TestSettle:
    async def test_outcomes_of_every_kind_in_one_call(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(4)))
        done, broken, back, untried = await queue.claim()

        lost = await queue.settle(
            completed=[completed(done)],
            failed=[failed(broken)],
            postponed=[postponed(back)],
            released=[released(untried)],
        )

        assert lost == []
        states = [await queue.state(it) for it in (done, broken, back, untried)]
        assert states == [("done", 0), ("pending", 1), ("pending", 0), ("pending", 0)]
        assert await queue.claim() == [], "the consumer pauses"

    async def test_names_the_lost_ones_and_keeps_the_others(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(4)))
        claimed = await queue.claim()
        taken = [await queue.take(it) for it in claimed[:3]]
        kept = claimed[3]

        lost = await queue.settle(
            completed=[completed(kept), completed(claimed[0])],
            failed=[failed(claimed[1])],
            released=[released(claimed[2])],
        )

        assert sorted(lost) == sorted(it.delivery_id for it in taken)
        assert await queue.state(kept) == ("done", 0)
        assert {await queue.state(it) for it in taken} == {("leased", 0)}

    async def test_again_changes_nothing(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(3)))
        done, broken, untried = await queue.claim()
        outcomes: dict[str, Sequence[object]] = {
            "completed": [completed(done)],
            "failed": [failed(broken)],
            "released": [released(untried)],
        }

        assert [await queue.settle(**outcomes) for _ in range(2)] == [[], []]
        assert await queue.state(broken) == ("pending", 1)

    async def test_what_is_released_comes_at_once_and_pauses_nobody(self, queue: Queue) -> None:
        await queue.put(event())
        held = await queue.claim_one()

        await queue.settle(released=[released(held)])

        again = await queue.claim_one()
        assert (again.delivery_id, again.attempts, again.postponed_seconds) == (
            held.delivery_id,
            0,
            0,
        )

    @pytest.mark.parametrize("how", ["released", "postponed"])
    async def test_what_is_given_back_waits_for_the_one_before(
        self, queue: Queue, database: Database, how: str
    ) -> None:
        aggregate = uuid4()
        await queue.put(*(event(aggregate_id=aggregate) for _ in range(3)))
        first, *others = await queue.claim(in_batches=["mail"])
        back: dict[str, Sequence[object]] = {
            "released": [released(it) for it in others],
            "postponed": [postponed(it) for it in others],
        }

        outcomes: dict[str, Sequence[object]] = {"failed": [failed(first)], how: back[how]}
        await queue.settle(**outcomes)

        due = "SELECT delivery_id FROM deliveries WHERE consumer = 'mail' AND due_at <= now()"
        assert await database.rows(due) == []
        await queue.time_passes(6)
        again = await queue.claim(in_batches=["mail"])
        assert [it.delivery_id for it in again] == [first.delivery_id] + [
            it.delivery_id for it in others
        ]

    async def test_five_failures_in_one_call_pause_the_consumer(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(6)))
        claimed = await queue.claim(limit=5)

        await queue.settle(failed=[failed(it) for it in claimed])

        assert await queue.claim() == []
        pause = await queue.pause_of("mail")
        assert pause is not None
        assert pause[0] == 5

    async def test_failures_beside_a_completion_are_not_in_a_row(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(8)))
        done, *broken = await queue.claim(limit=7)

        await queue.settle(completed=[completed(done)], failed=[failed(it) for it in broken])

        assert len(await queue.claim()) == 1

    async def test_an_event_counts_once_however_often_it_fails(
        self, queue: Queue, database: Database
    ) -> None:
        await queue.put(*(event() for _ in range(3)))
        for _ in range(3):
            await queue.settle(failed=[failed(it) for it in await queue.claim()])
            await queue.time_passes(300)

        (row,) = await database.rows("SELECT cardinality(failed_events) FROM consumer_pauses")
        assert row[0] == 3


class TestTake:
    async def test_takes_over_what_was_sent(self, queue: Queue) -> None:
        await queue.put(event())
        sent = await queue.claim_one()

        taken = await queue.take(sent)

        assert await queue.state(sent) == ("leased", 0)
        assert taken.envelope == sent.envelope
        with pytest.raises(Conflict, match="lease_lost"):
            await queue.renew(sent)
        await queue.renew(taken)

    async def test_one_of_many_gets_it(self, queue: Queue) -> None:
        await queue.put(event())
        sent = await queue.claim_one()

        results = await asyncio.gather(
            *(queue.take(sent) for _ in range(5)), return_exceptions=True
        )

        refused = [result for result in results if isinstance(result, Conflict)]
        assert len(refused) == 4
        assert {error.code for error in refused} == {"delivery_not_available"}

    async def test_a_lost_lease_costs_an_attempt(self, queue: Queue) -> None:
        await queue.put(event())
        lost = await queue.take(await queue.claim_one())
        await queue.time_passes(9)

        taken = await queue.take(lost)

        assert await queue.state(taken) == ("leased", 1)

    async def test_a_lost_lease_costs_an_attempt_also_when_claimed(self, queue: Queue) -> None:
        await queue.put(event())
        await queue.take(await queue.claim_one())
        await queue.time_passes(9)

        again = await queue.claim_one()

        assert (again.attempts, await queue.state(again)) == (1, ("sent", 1))

    @pytest.mark.parametrize("how", ["claim", "take"])
    async def test_what_kills_every_worker_dies(self, queue: Queue, how: str) -> None:
        await queue.put(event())
        held = await queue.take(await queue.claim_one())
        for _ in range(7):
            await queue.time_passes(9)
            held = await queue.take(held)
        await queue.time_passes(9)

        if how == "claim":
            assert await queue.claim() == []
        else:
            with pytest.raises(Conflict, match="delivery_not_available"):
                await queue.take(held)

        assert await queue.state(held) == ("dead", 8)

    async def test_what_waits_for_its_next_attempt_is_not_to_be_had(self, queue: Queue) -> None:
        await queue.put(event())
        sent = await queue.claim_one()
        await queue.fail(sent)

        with pytest.raises(Conflict, match="delivery_not_available"):
            await queue.take(sent)

    async def test_what_is_done_is_not_to_be_had(self, queue: Queue) -> None:
        await queue.put(event())
        sent = await queue.claim_one()
        await queue.complete(sent)

        with pytest.raises(Conflict, match="delivery_not_available"):
            await queue.take(sent)

    async def test_unknown(self, deliveries: DeliveryRepository) -> None:
        with pytest.raises(NotFound, match="delivery_not_found"):
            await deliveries.take(uuid4(), TakeDelivery())


class TestRenew:
    async def test_moves_the_end_of_the_lease(self, queue: Queue) -> None:
        await queue.put(event())
        sent = await queue.claim_one()
        await queue.time_passes(7)

        await queue.renew(sent)
        await queue.time_passes(7)

        assert await queue.claim() == []


class TestComplete:
    async def test_again_changes_nothing(self, queue: Queue) -> None:
        await queue.put(event())
        held = await queue.take(await queue.claim_one())

        await queue.complete(held)
        await queue.complete(held)

        assert await queue.state(held) == ("done", 0)

    async def test_after_the_lease_was_lost(self, queue: Queue) -> None:
        await queue.put(event())
        lost = await queue.take(await queue.claim_one())
        await queue.time_passes(9)
        await queue.take(lost)

        with pytest.raises(Conflict, match="lease_lost"):
            await queue.complete(lost)

    async def test_of_nothing(self, deliveries: DeliveryRepository) -> None:
        with pytest.raises(Conflict, match="lease_lost"):
            await deliveries.settle_one(CompletedDelivery(delivery_id=uuid4(), lease_token=uuid4()))


class TestFail:
    async def test_waits_longer_each_time_and_then_dies(self, queue: Queue) -> None:
        await queue.put(event())
        for attempt in range(8):
            held = await queue.claim_one()
            assert held.attempts == attempt
            await queue.fail(held)
            longest = 2**attempt
            if attempt < 7:
                assert await queue.state(held) == ("pending", attempt + 1)
                assert longest / 2 <= await queue.seconds_to_wait(held) <= longest
            await queue.time_passes(longest)

        assert await queue.state(held) == ("dead", 8)
        assert await queue.claim() == []

    async def test_a_final_one_is_dead_at_once_and_lets_the_next_pass(self, queue: Queue) -> None:
        aggregate = uuid4()
        first, second = event(aggregate_id=aggregate), event(aggregate_id=aggregate)
        await queue.put(first, second)
        held = await queue.claim_one()

        await queue.fail(held, final=True)

        assert await queue.state(held) == ("dead", 1)
        assert (await queue.claim_one()).envelope.event_id == second.envelope.event_id

    async def test_waits_as_long_as_asked(self, queue: Queue) -> None:
        await queue.put(event())
        held = await queue.claim_one()

        await queue.fail(held, retry_seconds=3600)

        assert await queue.state(held) == ("pending", 1)
        assert await queue.seconds_to_wait(held) == 3600

    async def test_again_costs_nothing(self, queue: Queue) -> None:
        await queue.put(event())
        held = await queue.claim_one()

        await queue.fail(held)
        await queue.fail(held)

        assert await queue.state(held) == ("pending", 1)

    async def test_the_next_of_the_aggregate_waits_for_it(self, queue: Queue) -> None:
        aggregate = uuid4()
        await queue.put(event(aggregate_id=aggregate), event(aggregate_id=aggregate))
        await queue.fail(await queue.claim_one())

        assert await queue.claim() == []

    async def test_a_dead_one_lets_the_next_pass(self, queue: Queue) -> None:
        aggregate = uuid4()
        first, second = event(aggregate_id=aggregate), event(aggregate_id=aggregate)
        await queue.put(first, second)
        for _ in range(8):
            await queue.fail(await queue.claim_one())
            await queue.time_passes(300)

        assert (await queue.claim_one()).envelope.event_id == second.envelope.event_id

    async def test_after_complete(self, queue: Queue) -> None:
        await queue.put(event())
        held = await queue.claim_one()
        await queue.complete(held)

        with pytest.raises(Conflict, match="lease_lost"):
            await queue.fail(held)


class TestFailuresInARow:
    async def test_five_events_pause_their_consumer(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(7)))
        claimed = await queue.claim("mail", limit=5)
        for held in claimed[:4]:
            await queue.fail(held)
        assert len(await queue.claim("mail", limit=1)) == 1, "four are not enough"

        await queue.fail(claimed[4])

        assert await queue.claim("mail") == []
        assert len(await queue.claim("audit")) == 7, "another consumer goes on"

    async def test_a_paused_consumer_is_probed_with_one(self, queue: Queue) -> None:
        await self._five_fail_of(queue, 8)
        await queue.time_passes(5)

        claims = await asyncio.gather(*(queue.claim("mail") for _ in range(4)))

        assert sorted(len(claim) for claim in claims) == [0, 0, 0, 1]

    async def test_a_completed_probe_ends_the_pause(self, queue: Queue) -> None:
        await self._five_fail_of(queue, 8)
        await queue.time_passes(5)

        await queue.complete(await queue.claim_one())

        assert len(await queue.claim("mail")) == 7

    async def test_a_failed_probe_pauses_it_for_longer(self, queue: Queue) -> None:
        await self._five_fail_of(queue, 12)
        for expected in (10, 20, 40, 60, 60):
            await queue.time_passes(60)
            await queue.fail(await queue.claim_one())
            pause = await queue.pause_of("mail")
            assert pause is not None
            assert pause[0] == expected

    async def test_a_lost_probe_is_followed_by_another(self, queue: Queue) -> None:
        await self._five_fail_of(queue, 8)
        await queue.time_passes(5)
        await queue.claim_one()
        await queue.time_passes(9)

        assert len(await queue.claim("mail")) == 1

    async def test_a_probe_is_not_counted_while_nothing_is_due(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(5)))
        for held in await queue.claim("mail"):
            await queue.fail(held, retry_seconds=3600)
        await queue.time_passes(5)
        assert await queue.claim("mail") == []

        await queue.put(event())

        assert len(await queue.claim("mail")) == 1

    async def test_a_completion_between_them_starts_the_count_again(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(10)))
        first, *others = await queue.claim("mail", limit=9)
        for held in others[:4]:
            await queue.fail(held)
        await queue.complete(first)
        for held in others[4:]:
            await queue.fail(held)

        assert len(await queue.claim("mail")) == 1

    async def test_one_event_that_fails_again_and_again_pauses_nobody(self, queue: Queue) -> None:
        await queue.put(event())
        for _ in range(7):
            await queue.fail(await queue.claim_one())
            await queue.time_passes(300)

        await queue.put(event())
        assert len(await queue.claim("mail")) == 2

    async def test_failures_of_events_that_are_at_fault_pause_nobody(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(10)))
        for held in await queue.claim("mail", limit=9):
            await queue.fail(held, final=True, event_at_fault=True)

        assert len(await queue.claim("mail")) == 1

    async def _five_fail_of(self, queue: Queue, number: int) -> None:
        await queue.put(*(event() for _ in range(number)))
        for held in await queue.claim("mail", limit=5):
            await queue.fail(held)


class TestPostpone:
    async def test_costs_nothing_and_pauses_the_consumer(self, queue: Queue) -> None:
        await queue.put(event(), event())
        held, _ = await queue.claim("mail")

        await queue.postpone(held)

        assert await queue.state(held) == ("pending", 0)
        assert await queue.claim("mail") == []
        assert len(await queue.claim("audit")) == 2, "another consumer goes on"
        await queue.time_passes(0.6)
        assert (await queue.claim_one("mail")).delivery_id == held.delivery_id

    async def test_tells_for_how_long(self, queue: Queue, database: Database) -> None:
        await queue.put(event())
        held = await queue.claim_one()
        assert held.postponed_seconds == 0
        for _ in range(2):
            await queue.postpone(held)
            await database.row(
                "UPDATE deliveries SET postponed_since = postponed_since - interval '12 hours'"
            )
            await queue.time_passes(6)
            held = await queue.take(await queue.claim_one())
        assert held.postponed_seconds == pytest.approx(86_400, abs=60)

        await queue.fail(held)
        await queue.time_passes(6)

        assert (await queue.claim_one()).postponed_seconds == 0

    async def test_pauses_longer_each_time_up_to_five_seconds(self, queue: Queue) -> None:
        await queue.put(event())
        for failures, expected in enumerate((0.5, 1, 2, 4, 5, 5), start=1):
            await queue.postpone(await queue.claim_one())
            pause = await queue.pause_of("mail")
            assert pause is not None
            assert pause[0] == expected
            assert pause[1] == failures
            await queue.time_passes(6)

    async def test_pauses_at_least_as_long_as_asked(self, queue: Queue) -> None:
        await queue.put(event())

        await queue.postpone(await queue.claim_one(), pause_seconds=60)

        pause = await queue.pause_of("mail")
        assert pause is not None
        assert pause[0] == 60

    async def test_many_at_once_are_one_failure(self, queue: Queue) -> None:
        await queue.put(*(event() for _ in range(10)))

        held = await queue.claim()
        await asyncio.gather(*(queue.postpone(one, pause_seconds=60) for one in held))

        pause = await queue.pause_of("mail")
        assert pause is not None
        assert pause[1] == 1

    async def test_a_completion_ends_the_pause(self, queue: Queue) -> None:
        await queue.put(event(), event())
        first, second = await queue.claim()
        await queue.postpone(first)

        await queue.complete(second)

        assert await queue.pause_of("mail") is None
        assert (await queue.claim_one()).delivery_id == first.delivery_id

    async def test_again_changes_nothing(self, queue: Queue) -> None:
        await queue.put(event())
        held = await queue.claim_one()

        await queue.postpone(held)
        await queue.time_passes(1)
        await queue.postpone(held)

        pause = await queue.pause_of("mail")
        assert pause is not None
        assert pause[0] < 0

    async def test_after_complete(self, queue: Queue) -> None:
        await queue.put(event())
        held = await queue.claim_one()
        await queue.complete(held)

        with pytest.raises(Conflict, match="lease_lost"):
            await queue.postpone(held)
