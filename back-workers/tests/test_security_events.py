"""Security events on their way from back-redis to the outbox."""

import asyncio
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from relay.security_events import PAGE, SecurityEventCarrier
from settings import Settings
from shared.kit.errors import Conflict, InvalidRequest, ServiceError, Unavailable
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.waiting import until
from tests.fake_services import FakeServices


@pytest.fixture
def carrier(services: FakeServices, keys: Identities, settings: Settings) -> SecurityEventCarrier:
    redis, postgres = (
        keys.client("back-workers", name, AsgiTransport(services.app()))
        for name in ("back-redis", "back-postgres")
    )
    return SecurityEventCarrier(redis, postgres, settings)


def recorded(services: FakeServices) -> set[object]:
    events = [command.events[0] for command in services.recorded.values()]
    return {event.envelope.event_id for event in events}


class TestCarry:
    async def test_every_event_is_recorded_and_then_removed(
        self, carrier: SecurityEventCarrier, services: FakeServices
    ) -> None:
        added = {services.add_security_event() for _ in range(PAGE + 5)}
        assert await carrier.carry() == PAGE + 5
        assert recorded(services) == added
        assert services.security_events == []

    async def test_the_events_of_a_user_are_recorded_in_their_order(
        self, carrier: SecurityEventCarrier, services: FakeServices
    ) -> None:
        user_id = uuid4()
        added = [services.add_security_event(user_id=user_id) for _ in range(20)]
        await carrier.carry()
        order = [command.events[0].envelope.event_id for command in services.recorded.values()]
        assert order == added

    async def test_two_relays_record_an_event_once(
        self, carrier: SecurityEventCarrier, services: FakeServices
    ) -> None:
        added = {services.add_security_event() for _ in range(5)}
        stored = list(services.security_events)
        await carrier.carry()
        services.security_events = stored
        await carrier.carry()
        assert (len(services.recorded), recorded(services)) == (5, added)

    async def test_an_outage_of_back_postgres_loses_nothing(
        self, carrier: SecurityEventCarrier, services: FakeServices
    ) -> None:
        event_id = services.add_security_event()
        services.outbox_down = Unavailable()
        with pytest.raises(Unavailable):
            await carrier.carry()
        assert len(services.security_events) == 1
        services.outbox_down = None
        await carrier.carry()
        assert recorded(services) == {event_id}

    async def test_one_that_back_postgres_refuses_stays_and_holds_up_no_other(
        self, carrier: SecurityEventCarrier, services: FakeServices
    ) -> None:
        user_id = uuid4()
        poison, behind = (services.add_security_event(user_id=user_id) for _ in range(2))
        services.refused_by_outbox[poison] = InvalidRequest(code="event_unknown")
        with capture_logs() as logs:
            for _ in range(2):
                await carrier.carry()
        assert recorded(services) == {behind}
        [kept] = services.security_events
        assert kept.event.envelope.event_id == poison
        errors = [entry["event"] for entry in logs if entry["log_level"] == "error"]
        assert errors == ["security_event_refused"], "it waits before it is sent again"

    async def test_one_that_is_in_the_outbox_already_is_removed(
        self, carrier: SecurityEventCarrier, services: FakeServices
    ) -> None:
        event_id = services.add_security_event()
        services.refused_by_outbox[event_id] = Conflict(code="event_exists")
        await carrier.carry()
        assert services.security_events == []


class TestRun:
    @pytest.mark.parametrize("outage", [None, Unavailable(), ServiceError()])
    async def test_carries_until_it_is_stopped_also_after_an_outage(
        self,
        carrier: SecurityEventCarrier,
        services: FakeServices,
        outage: ServiceError | None,
    ) -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(carrier.run(stopping))
        services.outbox_down = outage if isinstance(outage, Unavailable) else None
        event_id = services.add_security_event()
        services.outbox_down = None
        await until(lambda: recorded(services) == {event_id})
        stopping.set()
        async with asyncio.timeout(20):
            await running

    async def test_tells_how_many_attempts_were_only_counted(
        self, carrier: SecurityEventCarrier, services: FakeServices
    ) -> None:
        services.counted = 7
        with capture_logs() as logs:
            for _ in range(2):
                await carrier.carry()
        told = [entry for entry in logs if entry["event"] == "security_events_counted"]
        assert [entry["total"] for entry in told] == [7]
