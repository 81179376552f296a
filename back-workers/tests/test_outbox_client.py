"""The outbox as the relay and the tasks rely on it: the fake, and back-postgres itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from outbox_client import HttpOutboxClient, OutboxClient
from shared.kit import ServiceClient
from shared.kit.errors import Conflict, NotFound
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing, Recorded
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_services import FakeServices

Add = Callable[[str], Awaitable[EventEnvelope]]
Leasing = Callable[[float], OutboxClient]

LONG = 30.0  # seconds, like the next
BRIEF = 0.2
EVENT_FOR = {"mail": "user.registered", "audit": "auth.logout", "live": "profile.created"}


class OutboxContract:
    """`add` stores an event for a consumer; `leasing` gives an outbox whose leases last so long."""

    @pytest.fixture
    def client(self, leasing: Leasing) -> OutboxClient:
        return leasing(LONG)

    async def test_what_is_due_is_claimed_once(self, client: OutboxClient, add: Add) -> None:
        envelope = await add("audit")
        (delivery,) = await client.claim("audit", limit=5, wait_seconds=0)
        assert (delivery.consumer, delivery.attempts) == ("audit", 0)
        assert delivery.envelope == envelope
        assert await client.claim("audit", limit=5, wait_seconds=0) == []
        await client.complete(delivery)

    async def test_a_claimed_delivery_can_be_taken_once(
        self, client: OutboxClient, add: Add
    ) -> None:
        await add("mail")
        (claimed,) = await client.claim("mail", limit=1, wait_seconds=0)
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
        (lost,) = await leasing(BRIEF).claim("mail", limit=1, wait_seconds=0)
        client = leasing(LONG)
        (again,) = await client.claim("mail", limit=1, wait_seconds=8)
        assert (again.delivery_id, again.attempts) == (lost.delivery_id, 0)
        with pytest.raises(Conflict):
            await client.complete(lost)
        await client.complete(again)

    async def test_a_renewed_lease_lasts(self, leasing: Leasing, add: Add) -> None:
        await add("mail")
        (delivery,) = await leasing(LONG / 2).claim("mail", limit=1, wait_seconds=0)
        await leasing(BRIEF).renew(delivery)
        client = leasing(LONG)
        await client.renew(delivery)
        assert await client.claim("mail", limit=1, wait_seconds=2 * BRIEF) == []
        await client.complete(delivery)

    async def test_what_is_done_does_not_come_again_the_rest_does(
        self, client: OutboxClient, add: Add
    ) -> None:
        for _ in range(3):
            await add("audit")
        done, failed, postponed = await client.claim("audit", limit=3, wait_seconds=0)
        await client.complete(done)
        await client.fail(failed, "x" * 3000)
        await client.postpone(postponed, 0.01)
        attempts: dict[UUID, int] = {}
        async with asyncio.timeout(20):
            while len(attempts) < 2:
                for again in await client.claim("audit", limit=3, wait_seconds=1):
                    attempts[again.delivery_id] = again.attempts
                    await client.complete(again)
        assert attempts == {failed.delivery_id: 1, postponed.delivery_id: 0}

    @pytest.mark.parametrize("verb", ["renew", "complete", "fail", "postpone"])
    async def test_nothing_can_be_said_without_the_lease(
        self, client: OutboxClient, add: Add, verb: str
    ) -> None:
        await add("mail")
        (claimed,) = await client.claim("mail", limit=1, wait_seconds=0)
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
        claiming = asyncio.create_task(client.claim("live", limit=1, wait_seconds=8))
        envelope = await add("live")
        async with asyncio.timeout(6):
            (delivery,) = await claiming
        assert delivery.envelope == envelope
        await client.complete(delivery)


class OnTheFake(OutboxContract):
    @pytest.fixture
    def add(self, outbox: FakeOutboxClient) -> Add:
        async def add(consumer: str) -> EventEnvelope:
            return outbox.add(consumer).envelope

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
                while left := await client.claim(consumer, limit=200, wait_seconds=0):
                    for delivery in left:
                        await client.complete(delivery)
            yield lambda seconds: HttpOutboxClient(postgres, lease_seconds=seconds)

    @pytest.fixture
    async def add(self) -> AsyncIterator[Add]:
        async with stack_client("back-auth", "back-postgres") as postgres:
            yield lambda consumer: _recorded(postgres, EVENT_FOR[consumer])


async def _recorded(postgres: ServiceClient, event_type: str) -> EventEnvelope:
    envelope = EventEnvelope(
        event_id=uuid4(),
        event_type=event_type,
        occurred_at=datetime.now(UTC),
        correlation_id="a-test-of-contracts",
        payload={"user_id": str(uuid4())},
    )
    event = NewEvent(aggregate_id=uuid4(), envelope=envelope)
    command = Command[Nothing](command_id=uuid4(), data=Nothing(), events=[event])
    await postgres.post("/events", command, response_model=Recorded)
    return envelope
