import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from uuid import uuid4

import pytest

from delivery_handler import Effect
from relay.consumers import Consumer, Failures, InBatches
from relay.delivery_poller import DeliveryPoller
from settings import Settings
from shared.kit.errors import Unavailable
from shared.models.event import Delivery
from shared.testing.waiting import until
from tests.fake_outbox_client import FakeOutboxClient

FALLBACK = 0.02
CLOCK = 0.002  # seconds that a timer may be early

Carrying = Callable[..., AbstractAsyncContextManager[asyncio.Event]]


@pytest.fixture
def carrying(outbox: FakeOutboxClient, settings: Settings) -> Carrying:
    """A poller that runs inside of an `async with`, with settings of its own."""

    @asynccontextmanager
    async def carrying(effect: Effect, **changes: float) -> AsyncIterator[asyncio.Event]:
        stopping = asyncio.Event()
        changed = settings.model_copy(update={"claim_fallback_seconds": FALLBACK, **changes})
        poller = DeliveryPoller(outbox, [consumer_of(effect)], changed)
        running = asyncio.create_task(poller.run(stopping))
        yield stopping
        stopping.set()
        async with asyncio.timeout(20):
            await running

    return carrying


def consumer_of(effect: Effect, name: str = "audit", *, is_patient: bool = False) -> Consumer:
    """A consumer whose batches are delivered side by side, each event by `effect`."""

    async def together(deliveries: Sequence[Delivery]) -> Failures:
        results = await asyncio.gather(
            *(effect(delivery) for delivery in deliveries), return_exceptions=True
        )
        for result in results:
            if isinstance(result, Exception):
                raise result
        return {}

    return Consumer(name, InBatches(effect, together), is_patient)


class Effects:
    """Records deliveries, and blocks them while `gate` is closed."""

    def __init__(self) -> None:
        self.seen: list[Delivery] = []
        self.under_way = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, delivery: Delivery) -> None:
        self.seen.append(delivery)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1


@pytest.fixture
async def effects() -> Effects:
    return Effects()


class TestCarrying:
    async def test_what_is_due_is_carried_and_done(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        async with carrying(effects):
            row = outbox.add("audit")
            await until(lambda: row.state == "done")

    async def test_several_at_a_time_and_no_more_than_the_limit(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        effects.gate.clear()
        rows = [outbox.add("audit") for _ in range(7)]
        async with carrying(effects):
            await until(lambda: effects.under_way == 4)
            effects.gate.set()
            await until(lambda: all(row.state == "done" for row in rows))
        assert effects.most_at_once == 4

    async def test_the_events_of_one_aggregate_keep_their_order(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        aggregate = uuid4()
        rows = [outbox.add("audit", aggregate_id=aggregate) for _ in range(5)]
        async with carrying(effects):
            await until(lambda: all(row.state == "done" for row in rows))
        arrived = [one.delivery_id for one in effects.seen]
        assert arrived == [row.delivery_id for row in rows]
        assert effects.most_at_once == 1

    async def test_a_slow_delivery_does_not_hold_up_the_next(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        effects.gate.clear()
        slow = outbox.add("audit")
        async with carrying(effects):
            await until(lambda: effects.under_way == 1)
            outbox.add("audit")
            await until(lambda: effects.under_way == 2)
            assert slow.state == "sent"
            effects.gate.set()

    async def test_a_consumer_out_of_reach_loses_no_attempt_and_catches_up(
        self, carrying: Carrying, outbox: FakeOutboxClient
    ) -> None:
        down = True

        async def effect(delivery: Delivery) -> None:
            if down:
                raise Unavailable

        row = outbox.add("audit")
        async with carrying(effect):
            await until(lambda: outbox.postponed >= 3)
            down = False
            await until(lambda: row.state == "done")
        assert row.attempts == 0

    async def test_what_always_fails_is_buried(
        self, carrying: Carrying, outbox: FakeOutboxClient
    ) -> None:
        async def effect(delivery: Delivery) -> None:
            raise RuntimeError

        row = outbox.add("audit")
        async with carrying(effect):
            await until(lambda: row.state == "dead")
        assert row.attempts == 8


class TestConsumers:
    async def test_one_claim_is_for_all_and_their_outcomes_go_together(
        self, outbox: FakeOutboxClient, settings: Settings, effects: Effects
    ) -> None:
        rows = [outbox.add(consumer) for consumer in ("audit", "live", "audit")]
        poller = DeliveryPoller(
            outbox, [consumer_of(effects, "audit"), consumer_of(effects, "live")], settings
        )
        stopping = asyncio.Event()
        running = asyncio.create_task(poller.run(stopping))
        await until(lambda: {row.state for row in rows} == {"done"})
        stopping.set()
        await running
        assert outbox.asked_for[0] == ["audit", "live"]
        assert [len(outcomes) for outcomes in outbox.settled] == [3]

    async def test_a_hanging_consumer_is_left_out_and_does_not_hold_up_another(
        self, outbox: FakeOutboxClient, settings: Settings, effects: Effects
    ) -> None:
        async def quick(delivery: Delivery) -> None: ...

        effects.gate.clear()
        hanging = [outbox.add("audit") for _ in range(2 * settings.deliveries_at_once)]
        poller = DeliveryPoller(
            outbox, [consumer_of(effects, "audit"), consumer_of(quick, "live")], settings
        )
        stopping = asyncio.Event()
        running = asyncio.create_task(poller.run(stopping))
        await until(lambda: ["live"] in outbox.asked_for)
        row = outbox.add("live")
        await until(lambda: row.state == "done")
        assert {one.state for one in hanging[: settings.deliveries_at_once]} == {"sent"}
        effects.gate.set()
        await until(lambda: {one.state for one in hanging} == {"done"})
        stopping.set()
        await running

    async def test_a_patient_consumer_is_left_out_while_its_deliveries_come_often(
        self,
        outbox: FakeOutboxClient,
        settings: Settings,
        effects: Effects,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("relay.claim_pace.PATIENT_SECONDS", 600)
        poller = DeliveryPoller(
            outbox,
            [consumer_of(effects, "audit", is_patient=True), consumer_of(effects, "live")],
            settings,
        )
        stopping = asyncio.Event()
        running = asyncio.create_task(poller.run(stopping))
        for _ in range(2):
            outbox.add("audit")
            await until(lambda: {row.state for row in outbox.rows} == {"done"})
        await until(lambda: ["live"] in outbox.asked_for)
        patient, prompt = outbox.add("audit"), outbox.add("live")
        await until(lambda: prompt.state == "done")
        stopping.set()
        await running
        assert patient.state == "pending"

    async def test_a_patient_consumer_is_asked_for_where_no_other_may_be(
        self,
        outbox: FakeOutboxClient,
        settings: Settings,
        effects: Effects,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("relay.claim_pace.PATIENT_SECONDS", 600)
        poller = DeliveryPoller(outbox, [consumer_of(effects, is_patient=True)], settings)
        stopping = asyncio.Event()
        running = asyncio.create_task(poller.run(stopping))
        for _ in range(3):
            outbox.add("audit")
            await until(lambda: {row.state for row in outbox.rows} == {"done"})
        stopping.set()
        await running

    async def test_two_relays_share_the_work_and_keep_the_order(
        self, outbox: FakeOutboxClient, settings: Settings
    ) -> None:
        seen: list[Delivery] = []
        by_relay: list[set[str]] = [set(), set()]

        def effect_of(relay: int) -> Effect:
            async def effect(delivery: Delivery) -> None:
                by_relay[relay].add(str(delivery.delivery_id))
                seen.append(delivery)

            return effect

        aggregates = [uuid4() for _ in range(10)]
        rows = [outbox.add("audit", aggregate_id=aggregates[n % 10]) for n in range(100)]
        stopping = asyncio.Event()
        relays = [
            DeliveryPoller(outbox, [consumer_of(effect_of(relay))], settings).run(stopping)
            for relay in range(2)
        ]
        running = asyncio.gather(*relays)
        await until(lambda: {row.state for row in rows} == {"done"})
        stopping.set()
        await running
        assert all(by_relay)
        assert len(seen) == len({one.delivery_id for one in seen}) == 100
        for aggregate in aggregates:
            expected = [row.delivery_id for row in rows if row.aggregate_id == aggregate]
            assert [it.delivery_id for it in seen if it.aggregate_id == aggregate] == expected

    async def test_an_outcome_waits_for_an_outbox_that_is_out(
        self, carrying: Carrying, outbox: FakeOutboxClient
    ) -> None:
        tried: list[Delivery] = []

        async def then_down(delivery: Delivery) -> None:
            tried.append(delivery)
            outbox.down = Unavailable()

        row = outbox.add("audit")
        async with carrying(then_down):
            await until(lambda: outbox.refused_settlements)
            outbox.down = None
            await until(lambda: row.state == "done")
        assert len(tried) == 1

    async def test_an_outcome_is_lost_with_the_lease_but_its_delivery_is_not(
        self, carrying: Carrying, outbox: FakeOutboxClient
    ) -> None:
        async def then_down(delivery: Delivery) -> None:
            outbox.down = Unavailable()

        row = outbox.add("audit")
        async with carrying(then_down):
            await until(lambda: outbox.refused_settlements)
        assert row.state == "sent"


def pauses(outbox: FakeOutboxClient) -> list[float]:
    """The seconds between each claim and the next."""
    return [later - earlier for earlier, later in pairwise(outbox.claimed_at)]


class TestClaiming:
    async def test_an_outbox_out_of_reach_is_asked_again_but_not_all_the_time(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        outbox.down = Unavailable()
        async with carrying(effects):
            await until(lambda: outbox.claims >= 5)
            outbox.down = None
            row = outbox.add("audit")
            await until(lambda: row.state == "done")
        assert min(pauses(outbox)[:4]) > FALLBACK / 2 - CLOCK

    async def test_an_outbox_that_does_not_wait_is_not_asked_all_the_time(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        async def at_once(consumers: object, **asked: object) -> list[Delivery]:
            outbox.claimed_at.append(time.monotonic())
            return []

        outbox.claim = at_once  # type: ignore[method-assign]
        async with carrying(effects):
            await until(lambda: outbox.claims >= 5)
        assert min(pauses(outbox)[:4]) > FALLBACK - CLOCK


class TestStopping:
    async def test_what_is_in_hand_is_finished(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        effects.gate.clear()
        row = outbox.add("audit")
        async with carrying(effects) as stopping:
            await until(lambda: effects.under_way)
            stopping.set()
            await asyncio.sleep(0)  # noqa: TID251 - lets the other task run
            effects.gate.set()
        assert row.state == "done"

    async def test_what_can_not_be_finished_is_given_back(
        self, carrying: Carrying, outbox: FakeOutboxClient, effects: Effects
    ) -> None:
        effects.gate.clear()
        rows = [outbox.add("audit") for _ in range(4)]
        async with carrying(effects, stop_seconds=0.05):
            await until(lambda: effects.under_way == 4)
        assert {(row.state, row.attempts) for row in rows} == {("pending", 0)}

    async def test_a_claim_that_is_just_answering_is_not_lost(
        self,
        carrying: Carrying,
        outbox: FakeOutboxClient,
        effects: Effects,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("relay.delivery_poller.LAST_CLAIM_SECONDS", 20)
        async with carrying(effects) as stopping:
            await until(lambda: outbox.claims)
            stopping.set()
            row = outbox.add("audit")
        assert row.state == "done"

    async def test_a_claim_that_waits_is_given_up(
        self,
        carrying: Carrying,
        outbox: FakeOutboxClient,
        effects: Effects,
        settings: Settings,
    ) -> None:
        poller = DeliveryPoller(
            outbox,
            [consumer_of(effects)],
            settings.model_copy(update={"claim_wait_seconds": 30}),
        )
        stopping = asyncio.Event()
        running = asyncio.create_task(poller.run(stopping))
        await until(lambda: outbox.claims)
        stopping.set()
        async with asyncio.timeout(20):
            await running
