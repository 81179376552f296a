"""What back-workers asks back-postgres: deliveries and their leases, users, a sweep."""

from uuid import UUID

import pytest

from mailing.mail_sender import ServiceAccounts
from outbox_client import HttpOutboxClient
from shared.kit import ServiceClient
from shared.kit.errors import Conflict, NotFound
from shared.models.event import (
    ClaimDeliveries,
    CompleteDelivery,
    FailDelivery,
    HoldLease,
    PostponeDelivery,
    TakeDelivery,
)
from shared.models.user import SweepCredentials
from shared.testing.pacts import ConsumerPact, exactly, refusal, reply, state
from shared.testing.pacts.matching import State
from tasks.maintenance import sweep
from tests.pacts.events import (
    DELIVERY,
    EVENT,
    LEASE,
    NOON,
    TRACEPARENT,
    USER,
    delivery,
    read_delivery,
)

TYPE = "user.registered"
HELD = delivery("mail", TYPE)


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-workers", "back-postgres")


def a_delivery(lease: UUID | None = None) -> State:
    """A delivery to mail that is due, or held under a lease."""
    return state(
        "a delivery is held" if lease else "a delivery is due",
        delivery_id=DELIVERY,
        event_id=EVENT,
        event_type=TYPE,
        user_id=USER,
        consumer="mail",
        traceparent=TRACEPARENT,
        lease_token=lease,
    )


def outbox(postgres: ServiceClient) -> HttpOutboxClient:
    return HttpOutboxClient(postgres, lease_seconds=8)


class TestClaim:
    CLAIM = ClaimDeliveries(consumers=["mail"], limit=5, lease_seconds=8, wait_seconds=0)

    async def test_what_is_due(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "deliveries to claim",
            given=[a_delivery()],
            asks="POST /deliveries/claim",
            sends=self.CLAIM,
            answers=reply(200, {"items": [read_delivery("mail", TYPE)]}),
        ) as postgres:
            (claimed,) = await outbox(postgres).claim("mail", limit=5, wait_seconds=0)
        assert (claimed.traceparent, claimed.envelope.event_type) == (TRACEPARENT, TYPE)

    async def test_nothing_is_due(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "deliveries to claim where none is due",
            asks="POST /deliveries/claim",
            sends=self.CLAIM,
            answers=reply(200, {"items": []}),
        ) as postgres:
            assert await outbox(postgres).claim("mail", limit=5, wait_seconds=0) == []


class TestTake:
    async def test_one_that_is_due(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a delivery to take",
            given=[a_delivery()],
            asks=f"POST /deliveries/{DELIVERY}/take",
            sends=TakeDelivery(lease_seconds=8),
            answers=reply(200, read_delivery("mail", TYPE)),
        ) as postgres:
            assert (await outbox(postgres).take(DELIVERY)).delivery_id == DELIVERY

    async def test_one_in_other_hands(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a delivery to take that another worker holds",
            given=[a_delivery(LEASE)],
            asks=f"POST /deliveries/{DELIVERY}/take",
            sends=TakeDelivery(lease_seconds=8),
            answers=refusal(409, "delivery_not_available"),
        ) as postgres:
            with pytest.raises(Conflict, match="delivery_not_available"):
                await outbox(postgres).take(DELIVERY)

    async def test_an_unknown_one(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a delivery to take that nobody knows",
            asks=f"POST /deliveries/{DELIVERY}/take",
            sends=TakeDelivery(lease_seconds=8),
            answers=refusal(404, "delivery_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="delivery_not_found"):
                await outbox(postgres).take(DELIVERY)


class TestLease:
    BODIES = (
        ("renew", HoldLease(lease_token=LEASE, lease_seconds=8)),
        ("complete", CompleteDelivery(lease_token=LEASE)),
        ("fail", FailDelivery(lease_token=LEASE, error="Undeliverable")),
        ("postpone", PostponeDelivery(lease_token=LEASE, pause_seconds=1)),
    )

    @pytest.mark.parametrize("verb, body", BODIES, ids=lambda it: it if it is str else None)
    async def test_held(self, pact: ConsumerPact, verb: str, body: HoldLease) -> None:
        async with pact.exchange(
            f"a delivery in hand to {verb}",
            given=[a_delivery(LEASE)],
            asks=f"POST /deliveries/{DELIVERY}/{verb}",
            sends=body,
            answers=reply(204),
        ) as postgres:
            await self.say(outbox(postgres), verb)

    @pytest.mark.parametrize("verb, body", BODIES, ids=lambda it: it if it is str else None)
    async def test_lost(self, pact: ConsumerPact, verb: str, body: HoldLease) -> None:
        async with pact.exchange(
            f"a delivery to {verb} whose lease is lost",
            given=[a_delivery(UUID(int=1))],
            asks=f"POST /deliveries/{DELIVERY}/{verb}",
            sends=body,
            answers=refusal(409, "lease_lost"),
        ) as postgres:
            with pytest.raises(Conflict, match="lease_lost"):
                await self.say(outbox(postgres), verb)

    async def say(self, outbox: HttpOutboxClient, verb: str) -> None:
        match verb:
            case "renew":
                await outbox.renew(HELD)
            case "complete":
                await outbox.complete(HELD)
            case "fail":
                await outbox.fail(HELD, "Undeliverable")
            case "postpone":
                await outbox.postpone(HELD, 1)


class TestUsers:
    async def test_by_id(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user by id",
            given=[
                state(
                    "a user exists",
                    id=USER,
                    email="ada@example.org",
                    role="user",
                    status="pending_verification",
                )
            ],
            asks=f"GET /users/{USER}",
            answers=reply(
                200,
                {
                    "id": exactly(USER),
                    "email": "ada@example.org",
                    "role": "user",
                    "status": exactly("pending_verification"),
                    "version": 1,
                    "created_at": NOON,
                },
            ),
        ) as postgres:
            user = await ServiceAccounts(postgres, postgres).user(USER)
        assert user.email == "ada@example.org"

    async def test_an_unknown_id(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a user whom nobody knows by id",
            asks=f"GET /users/{USER}",
            answers=refusal(404, "user_not_found"),
        ) as postgres:
            with pytest.raises(NotFound, match="user_not_found"):
                await ServiceAccounts(postgres, postgres).user(USER)


async def test_sweep(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "unclaimed credentials to sweep",
        asks="POST /credentials/sweep",
        sends=SweepCredentials(older_than_seconds=86_400),
        answers=reply(200, {"removed": 3}),
    ) as postgres:
        assert await sweep(postgres, 86_400) == {"removed": 3}


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
