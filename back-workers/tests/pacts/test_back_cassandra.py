"""What back-workers asks back-cassandra: to keep an event."""

import pytest

from relay.consumers import audit
from shared.testing.pacts import ConsumerPact, reply
from tests.pacts.events import EVENT, delivery, envelope


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-workers", "back-cassandra")


async def test_an_event_to_keep(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "an event to keep",
        asks="POST /audit/events",
        sends=envelope("auth.logout"),
        answers=reply(201, {"event_id": EVENT}),
    ) as cassandra:
        await audit(cassandra)(delivery("audit", "auth.logout"))


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
