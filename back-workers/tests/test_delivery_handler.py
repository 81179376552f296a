import asyncio

import pytest

from delivery_handler import Effect, LeaseLost, Undeliverable, handle_delivery
from shared.kit.errors import NotFound, TimedOut, Unavailable
from shared.kit.http.context import correlation_id
from shared.models.event import Delivery
from tests.fake_outbox_client import FakeOutboxClient, Row


async def claimed(outbox: FakeOutboxClient) -> tuple[Row, Delivery]:
    row = outbox.add("audit")
    (delivery,) = await outbox.claim("audit", limit=1, wait_seconds=0)
    return row, delivery


def raising(error: Exception) -> Effect:
    async def effect(delivery: Delivery) -> None:
        raise error

    return effect


async def nothing(delivery: Delivery) -> None: ...


class TestOutcome:
    async def test_an_effect_that_happened_completes_the_delivery(
        self, outbox: FakeOutboxClient
    ) -> None:
        row, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, nothing, seconds=1, pause_seconds=1)
        assert row.state == "done"

    async def test_whoever_is_woken_completes_it(self, outbox: FakeOutboxClient) -> None:
        row, delivery = await claimed(outbox)
        await handle_delivery(
            outbox, delivery, nothing, seconds=1, pause_seconds=1, completes=False
        )
        assert row.state == "sent"

    @pytest.mark.parametrize("error", [Unavailable(), TimedOut(), TimeoutError()])
    async def test_out_of_reach_costs_no_attempt_and_rests_the_consumer(
        self, outbox: FakeOutboxClient, error: Exception
    ) -> None:
        row, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, raising(error), seconds=1, pause_seconds=1)
        assert (row.state, row.attempts) == ("pending", 0)
        assert "audit" in outbox.paused

    async def test_an_effect_that_takes_too_long_is_out_of_reach(
        self, outbox: FakeOutboxClient
    ) -> None:
        async def hang(delivery: Delivery) -> None:
            await asyncio.Event().wait()

        row, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, hang, seconds=0.02, pause_seconds=1)
        assert (row.state, row.attempts) == ("pending", 0)

    @pytest.mark.parametrize(
        "error,reason",
        [
            (NotFound("Ada is unknown", code="user_not_found"), "user_not_found"),
            (Undeliverable("the payload names no user_id"), "the payload names no user_id"),
            (ValueError("something about ada@example.org"), "ValueError"),
        ],
    )
    async def test_any_other_error_spends_an_attempt_and_leaves_a_reason(
        self, outbox: FakeOutboxClient, error: Exception, reason: str
    ) -> None:
        row, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, raising(error), seconds=1, pause_seconds=1)
        assert (row.attempts, row.last_error) == (1, reason)

    async def test_a_lost_lease_is_nobodys_fault(self, outbox: FakeOutboxClient) -> None:
        row, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, raising(LeaseLost()), seconds=1, pause_seconds=1)
        assert (row.state, row.attempts) == ("sent", 0)

    async def test_a_cancelled_delivery_is_given_back(self, outbox: FakeOutboxClient) -> None:
        async def hang(delivery: Delivery) -> None:
            await asyncio.Event().wait()

        row, delivery = await claimed(outbox)
        carrying = asyncio.create_task(
            handle_delivery(outbox, delivery, hang, seconds=5, pause_seconds=1)
        )
        await asyncio.sleep(0)  # noqa: TID251 - lets the other task run
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying
        assert (row.state, row.attempts) == ("pending", 0)


class TestTelling:
    async def test_an_outbox_out_of_reach_is_left_to_the_end_of_the_lease(
        self, outbox: FakeOutboxClient
    ) -> None:
        async def then_down(delivery: Delivery) -> None:
            outbox.down = Unavailable()

        row, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, then_down, seconds=1, pause_seconds=1)
        assert row.state == "sent"

    async def test_a_delivery_that_another_took_is_not_completed(
        self, outbox: FakeOutboxClient
    ) -> None:
        async def slow(delivery: Delivery) -> None:
            await outbox.take(delivery.delivery_id)

        row, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, slow, seconds=1, pause_seconds=1)
        assert row.state == "leased"


class TestCorrelation:
    async def test_the_effect_belongs_to_the_events_correlation(
        self, outbox: FakeOutboxClient
    ) -> None:
        seen: list[str] = []

        async def note(delivery: Delivery) -> None:
            seen.append(correlation_id())

        _, delivery = await claimed(outbox)
        await handle_delivery(outbox, delivery, note, seconds=1, pause_seconds=1)
        assert seen == ["correlation-of-test"]
