import asyncio
from collections.abc import Callable

import pytest

from outbox import Outbox, ServiceOutbox
from settings import Settings
from shared.kit.errors import Conflict, NotFound
from shared.kit.testing import TestKeys
from shared.kit.transport import AsgiTransport
from tests.fake_outbox import FakeOutbox
from tests.fake_services import FakeServices
from tests.waiting import until


class OutboxContract:
    """What the relay and the tasks rely on; `outbox` is the store beneath `client`."""

    async def test_what_is_due_is_claimed_once(self, client: Outbox, outbox: FakeOutbox) -> None:
        row = outbox.add("audit")
        (delivery,) = await client.claim("audit", limit=5, wait_seconds=0)
        assert delivery.envelope == row.envelope
        assert await client.claim("audit", limit=5, wait_seconds=0) == []

    async def test_a_claimed_delivery_can_be_taken_once(
        self, client: Outbox, outbox: FakeOutbox
    ) -> None:
        outbox.add("mail")
        (claimed,) = await client.claim("mail", limit=1, wait_seconds=0)
        taken = await client.take(claimed.delivery_id)
        assert taken.lease_token != claimed.lease_token
        with pytest.raises(Conflict):
            await client.take(claimed.delivery_id)

    async def test_an_unknown_delivery_is_not_found(
        self, client: Outbox, outbox: FakeOutbox
    ) -> None:
        row = outbox.add("mail")
        outbox.rows.clear()
        with pytest.raises(NotFound):
            await client.take(row.delivery_id)

    async def test_a_lease_that_ran_out_is_claimed_again(
        self, client: Outbox, outbox: FakeOutbox
    ) -> None:
        row = outbox.add("mail")
        await client.claim("mail", limit=1, wait_seconds=0)
        row.due = 0
        (again,) = await client.claim("mail", limit=1, wait_seconds=5)
        assert (again.delivery_id, again.attempts) == (row.delivery_id, 0)

    async def test_a_renewed_lease_lasts(self, client: Outbox, outbox: FakeOutbox) -> None:
        row = outbox.add("mail")
        (delivery,) = await client.claim("mail", limit=1, wait_seconds=0)
        before = row.due
        await client.renew(delivery)
        assert row.due > before

    async def test_done_failed_and_postponed(self, client: Outbox, outbox: FakeOutbox) -> None:
        done, failed, postponed = (outbox.add("audit") for _ in range(3))
        first, second, third = await client.claim("audit", limit=3, wait_seconds=0)
        await client.complete(first)
        await client.fail(second, "x" * 3000)
        await client.postpone(third, 0.01)
        assert (done.state, failed.state, postponed.state) == ("done", "pending", "pending")
        assert (failed.attempts, postponed.attempts) == (1, 0)
        assert failed.last_error

    @pytest.mark.parametrize("verb", ["renew", "complete", "fail", "postpone"])
    async def test_nothing_can_be_said_without_the_lease(
        self, client: Outbox, outbox: FakeOutbox, verb: str
    ) -> None:
        outbox.add("mail")
        (claimed,) = await client.claim("mail", limit=1, wait_seconds=0)
        await client.take(claimed.delivery_id)
        say: dict[str, Callable[[], object]] = {
            "renew": lambda: client.renew(claimed),
            "complete": lambda: client.complete(claimed),
            "fail": lambda: client.fail(claimed, "reason"),
            "postpone": lambda: client.postpone(claimed, 1),
        }
        with pytest.raises(Conflict):
            await say[verb]()  # type: ignore[misc]

    async def test_a_long_poll_ends_with_the_first_event(
        self, client: Outbox, outbox: FakeOutbox
    ) -> None:
        claiming = asyncio.create_task(client.claim("live", limit=1, wait_seconds=5))
        await until(lambda: outbox.claims)
        outbox.add("live")
        async with asyncio.timeout(4):
            assert len(await claiming) == 1


class TestFakeOutbox(OutboxContract):
    @pytest.fixture
    def client(self, outbox: FakeOutbox) -> Outbox:
        return outbox


class TestServiceOutbox(OutboxContract):
    @pytest.fixture
    def client(self, services: FakeServices, keys: TestKeys, settings: Settings) -> Outbox:
        postgres = keys.client("back-workers", "back-postgres", AsgiTransport(services.app()))
        return ServiceOutbox(postgres, lease_seconds=settings.lease_seconds)
