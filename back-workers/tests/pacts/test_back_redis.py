"""What back-workers asks back-redis: to publish an event to a user's sockets."""

import pytest

from relay.consumers import live
from shared.models.live import PublishLive
from shared.testing.pacts import ConsumerPact, exactly, reply
from tests.pacts.events import USER, delivery, envelope

TYPE = "profile.created"


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-workers", "back-redis")


async def test_an_event_to_publish(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "an event to publish",
        asks="POST /live/events",
        sends=PublishLive(user_id=USER, envelope=envelope(TYPE)),
        answers=reply(201, {"stream_id": "1-0", "duplicate": exactly(False)}),
    ) as redis:
        await live(redis)(delivery("live", TYPE))


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
