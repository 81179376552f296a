"""What back-cassandra reads of the events that back-api publishes."""

import pytest

from shared.testing.pacts import ConsumerPact
from tests.callers import Callers
from tests.pacts.events import is_found_by_its_user

EVENTS = (
    "user.registered",
    "user.registration.repeated",
    "user.role.changed",
    "profile.created",
    "profile.updated",
)


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-cassandra", "back-api")


@pytest.mark.parametrize("event_type", EVENTS)
async def test_is_found_by_its_user(pact: ConsumerPact, service: Callers, event_type: str) -> None:
    await is_found_by_its_user(pact, event_type, service)


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
