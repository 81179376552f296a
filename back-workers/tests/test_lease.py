import asyncio

import pytest

from delivery_handler import LeaseLost
from lease import with_lease
from shared.kit.errors import Unavailable
from shared.models.event import Delivery
from shared.testing.waiting import until
from tests.fake_outbox_client import FakeOutboxClient, Row


async def taken(outbox: FakeOutboxClient) -> tuple[Row, Delivery]:
    row = outbox.add("mail")
    await outbox.claim(["mail"], limit=1, wait_seconds=0)
    return row, await outbox.take(row.delivery_id)


class Work:
    """Lasts until `end` is set; records that it was cancelled."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.begun = False
        self.cancelled = False

    async def __call__(self) -> None:
        self.begun = True
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class TestHolding:
    async def test_work_longer_than_the_lease_keeps_it(self, outbox: FakeOutboxClient) -> None:
        row, delivery = await taken(outbox)
        until_first = row.due
        work = Work()
        held = asyncio.create_task(
            with_lease(lambda: outbox.renew(delivery), work, lease_seconds=0.15)
        )
        await until(lambda: outbox.renewals >= 5)
        assert row.due > until_first
        assert await outbox.claim(["mail"], limit=1, wait_seconds=0) == []
        work.end.set()
        await held

    async def test_work_stops_when_another_took_the_delivery(
        self, outbox: FakeOutboxClient
    ) -> None:
        row, delivery = await taken(outbox)
        row.due = 0
        await outbox.take(row.delivery_id)
        work = Work()
        with pytest.raises(LeaseLost):
            await with_lease(lambda: outbox.renew(delivery), work, lease_seconds=0.06)
        assert work.cancelled

    async def test_work_stops_when_the_lease_can_not_be_renewed(
        self, outbox: FakeOutboxClient
    ) -> None:
        _, delivery = await taken(outbox)
        outbox.down = Unavailable()
        work = Work()
        with pytest.raises(LeaseLost):
            await with_lease(lambda: outbox.renew(delivery), work, lease_seconds=0.06)
        assert work.cancelled

    async def test_the_error_of_the_work_comes_through(self, outbox: FakeOutboxClient) -> None:
        async def fails() -> None:
            raise ValueError("no")

        _, delivery = await taken(outbox)
        with pytest.raises(ValueError, match="no"):
            await with_lease(lambda: outbox.renew(delivery), fails, lease_seconds=1)

    async def test_a_cancelled_holder_cancels_its_work(self, outbox: FakeOutboxClient) -> None:
        _, delivery = await taken(outbox)
        work = Work()
        held = asyncio.create_task(
            with_lease(lambda: outbox.renew(delivery), work, lease_seconds=1)
        )
        await until(lambda: work.begun)
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held
        assert work.cancelled
