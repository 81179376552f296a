"""The outbox as the relay and the tasks rely on it: the fake, and back-postgres itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

import pytest

from outbox_client import HttpOutboxClient, OutboxClient, Outcome
from shared.kit import ServiceClient
from shared.kit.errors import Conflict, NotFound
from shared.models.event import (
    Command,
    CompletedDelivery,
    Delivery,
    EventEnvelope,
    FailedDelivery,
    NewEvent,
    Nothing,
    PostponedDelivery,
    Recorded,
    ReleasedDelivery,
)
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_services import FakeServices


class Add(Protocol):
    """Store an event for a consumer, about a new aggregate unless one is given."""

    async def __call__(
        self, consumer: str, aggregate_id: UUID | None = None, /
    ) -> EventEnvelope: ...


Leasing = Callable[[float], OutboxClient]

LONG = 30.0  # seconds, like the next
BRIEF = 0.2
EVENT_FOR = {"mail": "user.registered", "audit": "auth.logout", "live": "profile.created"}


def completed(delivery: Delivery) -> CompletedDelivery:
    return CompletedDelivery(delivery_id=delivery.delivery_id, lease_token=delivery.lease_token)


def released(delivery: Delivery) -> ReleasedDelivery:
    return ReleasedDelivery(delivery_id=delivery.delivery_id, lease_token=delivery.lease_token)


class OutboxContract:
    """`add` stores an event for a consumer; `leasing` gives an outbox whose leases last so long."""

    @pytest.fixture
    def client(self, leasing: Leasing) -> OutboxClient:
        return leasing(LONG)

    async def test_what_is_due_is_claimed_once(self, client: OutboxClient, add: Add) -> None:
        envelope = await add("audit")
        (delivery,) = await client.claim(["audit"], limit=5, wait_seconds=0)
        assert (delivery.consumer, delivery.attempts) == ("audit", 0)
        assert delivery.envelope == envelope
        assert await client.claim(["audit"], limit=5, wait_seconds=0) == []
        await client.complete(delivery)

    async def test_a_claim_for_all_consumers_has_a_limit_of_each(
        self, client: OutboxClient, add: Add
    ) -> None:
        for consumer in ("audit", "audit", "audit", "live"):
            await add(consumer)
        claimed = await client.claim(["audit", "live"], limit=2, wait_seconds=0)
        assert sorted(it.consumer for it in claimed) == ["audit", "audit", "live"]
        claimed += await client.claim(["audit", "live"], limit=2, wait_seconds=0)
        assert await client.settle([completed(it) for it in claimed]) == []

    async def test_a_batch_holds_an_aggregate_in_its_order(
        self, client: OutboxClient, add: Add
    ) -> None:
        aggregate_id = uuid4()
        stored = [await add("audit", aggregate_id) for _ in range(3)]
        claimed = await client.claim(["audit"], limit=2, wait_seconds=0, in_batches=["audit"])
        assert [it.envelope for it in claimed] == stored[:2]
        assert {it.aggregate_id for it in claimed} == {aggregate_id}
        assert await client.claim(["audit"], limit=2, wait_seconds=0, in_batches=["audit"]) == []
        assert await client.settle([completed(it) for it in claimed]) == []
        (last,) = await client.claim(["audit"], limit=2, wait_seconds=8, in_batches=["audit"])
        assert last.envelope == stored[2]
        await client.complete(last)

    async def test_what_waits_behind_a_failure_is_released_and_comes_with_it(
        self, client: OutboxClient, add: Add
    ) -> None:
        aggregate_id = uuid4()
        stored = [await add("audit", aggregate_id) for _ in range(2)]
        first, second = await client.claim(["audit"], limit=5, wait_seconds=0, in_batches=["audit"])
        failed = FailedDelivery(
            delivery_id=first.delivery_id,
            lease_token=first.lease_token,
            error="it broke",
            event_at_fault=True,
            retry_seconds=BRIEF,
        )
        assert await client.settle([failed, released(second)]) == []
        claimed = await client.claim(["audit"], limit=5, wait_seconds=8, in_batches=["audit"])
        assert [it.envelope for it in claimed] == stored
        assert [it.attempts for it in claimed] == [1, 0]
        assert await client.settle([completed(it) for it in claimed]) == []

    async def test_outcomes_of_many_are_settled_and_the_lost_ones_named(
        self, client: OutboxClient, add: Add
    ) -> None:
        for _ in range(3):
            await add("mail")
        lost, kept, postponed = await client.claim(["mail"], limit=3, wait_seconds=0)
        taken = await client.take(lost.delivery_id)
        away = PostponedDelivery(
            delivery_id=postponed.delivery_id,
            lease_token=postponed.lease_token,
            pause_seconds=0.01,
        )
        outcomes: list[Outcome] = [completed(lost), completed(kept), away]
        assert await client.settle(outcomes) == [lost.delivery_id]
        assert await client.settle(outcomes) == [lost.delivery_id], "a repeat changes nothing"
        await client.complete(taken)
        (again,) = await client.claim(["mail"], limit=3, wait_seconds=8)
        assert (again.delivery_id, again.attempts) == (postponed.delivery_id, 0)
        await client.complete(again)

    async def test_a_claimed_delivery_can_be_taken_once(
        self, client: OutboxClient, add: Add
    ) -> None:
        await add("mail")
        (claimed,) = await client.claim(["mail"], limit=1, wait_seconds=0)
        taken = await client.take(claimed.delivery_id)
        assert taken.lease_token != claimed.lease_token
        with pytest.raises(Conflict):
            await client.take(claimed.delivery_id)
        await client.complete(taken)

    async def test_an_unknown_delivery_is_not_found(self, client: OutboxClient) -> None:
        with pytest.raises(NotFound):
            await client.take(uuid4())

    async def test_a_lease_that_ran_out_is_claimed_again(self, leasing: Leasing, add: Add) -> None:
        await add("mail")
        (lost,) = await leasing(BRIEF).claim(["mail"], limit=1, wait_seconds=0)
        client = leasing(LONG)
        (again,) = await client.claim(["mail"], limit=1, wait_seconds=8)
        assert (again.delivery_id, again.attempts) == (lost.delivery_id, 0)
        with pytest.raises(Conflict):
            await client.complete(lost)
        await client.complete(again)

    async def test_a_renewed_lease_lasts(self, leasing: Leasing, add: Add) -> None:
        await add("mail")
        (delivery,) = await leasing(LONG / 2).claim(["mail"], limit=1, wait_seconds=0)
        await leasing(BRIEF).renew(delivery)
        client = leasing(LONG)
        await client.renew(delivery)
        assert await client.claim(["mail"], limit=1, wait_seconds=2 * BRIEF) == []
        await client.complete(delivery)

    async def test_what_is_done_does_not_come_again_the_rest_does(
        self, client: OutboxClient, add: Add
    ) -> None:
        for _ in range(3):
            await add("audit")
        done, failed, postponed = await client.claim(["audit"], limit=3, wait_seconds=0)
        await client.complete(done)
        await client.fail(failed, "x" * 3000)
        await client.postpone(postponed, 0.01)
        attempts: dict[UUID, int] = {}
        async with asyncio.timeout(20):
            while len(attempts) < 2:
                for again in await client.claim(["audit"], limit=3, wait_seconds=1):
                    attempts[again.delivery_id] = again.attempts
                    await client.complete(again)
        assert attempts == {failed.delivery_id: 1, postponed.delivery_id: 0}

    async def test_a_final_failure_is_dead_and_holds_up_nobody(
        self, client: OutboxClient, add: Add
    ) -> None:
        aggregate_id = uuid4()
        await add("audit", aggregate_id)
        behind = await add("audit", aggregate_id)
        (refused,) = await client.claim(["audit"], limit=5, wait_seconds=0)
        await client.fail(refused, "refused", final=True, event_at_fault=True)
        (delivery,) = await client.claim(["audit"], limit=5, wait_seconds=8)
        assert delivery.envelope == behind
        await client.complete(delivery)

    async def test_a_retry_waits_as_long_as_asked(self, client: OutboxClient, add: Add) -> None:
        await add("audit")
        (failed,) = await client.claim(["audit"], limit=1, wait_seconds=0)
        asked = time.monotonic()
        await client.fail(failed, "later", event_at_fault=True, retry_seconds=1.5)
        (again,) = await client.claim(["audit"], limit=1, wait_seconds=LONG)
        assert time.monotonic() - asked >= 1.5
        assert (again.delivery_id, again.attempts) == (failed.delivery_id, 1)
        await client.complete(again)

    async def test_after_five_failed_events_the_consumer_pauses_and_is_probed_with_one(
        self, client: OutboxClient, add: Add
    ) -> None:
        for _ in range(7):
            await add("audit")
        for failed in await client.claim(["audit"], limit=5, wait_seconds=0):
            await client.fail(failed, "it broke", final=True)
        assert await client.claim(["audit"], limit=5, wait_seconds=0) == []
        (probe,) = await client.claim(["audit"], limit=5, wait_seconds=LONG)
        assert await client.claim(["audit"], limit=5, wait_seconds=0) == []
        await client.complete(probe)
        (last,) = await client.claim(["audit"], limit=5, wait_seconds=8)
        await client.complete(last)

    async def test_a_postponed_delivery_tells_for_how_long(
        self, client: OutboxClient, add: Add
    ) -> None:
        await add("audit")
        (first,) = await client.claim(["audit"], limit=1, wait_seconds=0)
        assert first.postponed_seconds == 0
        await client.postpone(first, 0.01)
        (again,) = await client.claim(["audit"], limit=1, wait_seconds=8)
        assert again.postponed_seconds > 0
        await client.complete(again)

    @pytest.mark.parametrize("verb", ["renew", "complete", "fail", "postpone"])
    async def test_nothing_can_be_said_without_the_lease(
        self, client: OutboxClient, add: Add, verb: str
    ) -> None:
        await add("mail")
        (claimed,) = await client.claim(["mail"], limit=1, wait_seconds=0)
        taken = await client.take(claimed.delivery_id)
        say: dict[str, Callable[[], Awaitable[None]]] = {
            "renew": lambda: client.renew(claimed),
            "complete": lambda: client.complete(claimed),
            "fail": lambda: client.fail(claimed, "reason"),
            "postpone": lambda: client.postpone(claimed, 1),
        }
        with pytest.raises(Conflict):
            await say[verb]()
        await client.complete(taken)

    async def test_a_long_poll_ends_with_the_first_event(
        self, client: OutboxClient, add: Add
    ) -> None:
        claiming = asyncio.create_task(client.claim(["live"], limit=1, wait_seconds=LONG))
        envelope = await add("live")
        async with asyncio.timeout(20):
            (delivery,) = await claiming
        assert delivery.envelope == envelope
        await client.complete(delivery)


class OnTheFake(OutboxContract):
    @pytest.fixture
    def add(self, outbox: FakeOutboxClient) -> Add:
        async def add(consumer: str, aggregate_id: UUID | None = None, /) -> EventEnvelope:
            return outbox.add(consumer, aggregate_id=aggregate_id).envelope

        return add


class TestFakeOutbox(OnTheFake):
    @pytest.fixture
    def leasing(self, outbox: FakeOutboxClient) -> Leasing:
        def leasing(seconds: float) -> OutboxClient:
            outbox.lease_seconds = seconds
            return outbox

        return leasing


class TestServiceOutbox(OnTheFake):
    @pytest.fixture
    def leasing(self, services: FakeServices, keys: Identities) -> Leasing:
        postgres = keys.client("back-workers", "back-postgres", AsgiTransport(services.app()))
        return lambda seconds: HttpOutboxClient(postgres, lease_seconds=seconds)


@pytest.mark.real
@pytest.mark.contract(consumer="back-workers", provider="back-postgres")
class TestRealOutbox(OutboxContract):
    """On services without a relay, which would claim the same deliveries."""

    @pytest.fixture
    async def leasing(self) -> AsyncIterator[Leasing]:
        async with stack_client("back-workers", "back-postgres") as postgres:
            client = HttpOutboxClient(postgres, lease_seconds=LONG)
            for consumer in EVENT_FOR:
                while left := await client.claim([consumer], limit=200, wait_seconds=0):
                    for delivery in left:
                        await client.complete(delivery)
            yield lambda seconds: HttpOutboxClient(postgres, lease_seconds=seconds)

    @pytest.fixture
    async def add(self) -> AsyncIterator[Add]:
        async with stack_client("back-workers", "back-postgres") as postgres:

            async def add(consumer: str, aggregate_id: UUID | None = None, /) -> EventEnvelope:
                return await _recorded(postgres, EVENT_FOR[consumer], aggregate_id or uuid4())

            yield add


async def _recorded(postgres: ServiceClient, event_type: str, aggregate_id: UUID) -> EventEnvelope:
    envelope = EventEnvelope(
        event_id=uuid4(),
        event_type=event_type,
        occurred_at=datetime.now(UTC),
        correlation_id="a-test-of-contracts",
        payload={"user_id": str(uuid4())},
    )
    event = NewEvent(aggregate_id=aggregate_id, envelope=envelope)
    command = Command[Nothing](command_id=uuid4(), data=Nothing(), events=[event])
    await postgres.post("/events", command, response_model=Recorded)
    return envelope
