from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import JsonValue

from broker import Broker
from delivery_handler import EventRejected, Undeliverable
from relay.consumers import (
    LAUNCHES,
    TIMELINE,
    UNREAD,
    applied,
    audit,
    consumers,
    live,
    live_batch,
    notifications,
    revocations,
)
from relay.erasure import erasure
from shared.kit.contract_registry import contract_registry
from shared.kit.errors import RuleViolated, Unavailable
from shared.models.auth import RevokeGenerations
from shared.models.event import Delivery
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_services import FakeServices


async def claimed(outbox: FakeOutboxClient, consumer: str, **payload: JsonValue) -> Delivery:
    outbox.add(consumer, payload=payload)
    (delivery,) = await outbox.claim([consumer], limit=1, wait_seconds=0)
    return delivery


class TestAudit:
    async def test_the_envelope_is_kept(
        self, services: FakeServices, keys: Identities, outbox: FakeOutboxClient
    ) -> None:
        delivery = await claimed(outbox, "audit")
        transport = AsgiTransport(services.app())
        await audit(keys.client("back-workers", "back-cassandra", transport))(delivery)
        assert services.audited == [delivery.envelope]

    async def test_an_audit_log_that_is_out_is_unavailable(
        self, services: FakeServices, keys: Identities, outbox: FakeOutboxClient
    ) -> None:
        delivery = await claimed(outbox, "audit")
        services.audit_down = Unavailable()
        client = keys.client("back-workers", "back-cassandra", AsgiTransport(services.app()))
        with pytest.raises(Unavailable):
            await audit(client)(delivery)


class TestLive:
    async def test_the_event_goes_to_the_user_whom_it_names(
        self, services: FakeServices, keys: Identities, outbox: FakeOutboxClient
    ) -> None:
        user_id = uuid4()
        delivery = await claimed(outbox, "live", user_id=str(user_id))
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        await live(client)(delivery)
        (published,) = services.published
        assert (published.user_id, published.envelope) == (user_id, delivery.envelope)

    @pytest.mark.parametrize("payload", [{}, {"user_id": "nobody"}])
    async def test_an_event_without_a_user_can_not_be_published(
        self,
        services: FakeServices,
        keys: Identities,
        outbox: FakeOutboxClient,
        payload: dict[str, JsonValue],
    ) -> None:
        delivery = await claimed(outbox, "live", **payload)
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        with pytest.raises(Undeliverable):
            await live(client)(delivery)


class TestRevocations:
    async def test_the_generation_of_the_user_is_revoked(
        self, services: FakeServices, keys: Identities, outbox: FakeOutboxClient
    ) -> None:
        user_id = uuid4()
        delivery = await claimed(outbox, "revocations", user_id=str(user_id), session_generation=3)
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        await revocations(client)(delivery)
        assert services.revoked == [RevokeGenerations(user_id=user_id, session_generation=3)]

    @pytest.mark.parametrize("payload", [{}, {"user_id": str(uuid4())}])
    async def test_an_event_without_a_generation_can_not_be_delivered(
        self,
        services: FakeServices,
        keys: Identities,
        outbox: FakeOutboxClient,
        payload: dict[str, JsonValue],
    ) -> None:
        delivery = await claimed(outbox, "revocations", **payload)
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        with pytest.raises(Undeliverable):
            await revocations(client)(delivery)


class TestChannels:
    @pytest.mark.parametrize(
        "channels, published", [(["live"], 1), (["mail"], 0), ([], 0), (None, 1)]
    )
    async def test_what_does_not_go_by_live_is_not_published(
        self,
        services: FakeServices,
        keys: Identities,
        outbox: FakeOutboxClient,
        channels: list[JsonValue] | None,
        published: int,
    ) -> None:
        payload: dict[str, JsonValue] = {"user_id": str(uuid4())}
        payload |= {} if channels is None else {"channels": channels}
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        alone = await claimed(outbox, "live", **payload)
        await live(client)(alone)
        assert len(services.published) == published
        together = await claimed(outbox, "live", **payload)
        assert await live_batch(client)([together]) == {}
        assert len(services.published) == 2 * published


class TestNotifications:
    async def test_an_event_is_brought_to_back_api(
        self, services: FakeServices, keys: Identities, outbox: FakeOutboxClient
    ) -> None:
        delivery = await claimed(outbox, "notifications", user_id=str(uuid4()))
        client = keys.client("back-workers", "back-api", AsgiTransport(services.app()))
        await notifications(client)(delivery)
        assert services.taken == [delivery.envelope]

    async def test_one_that_it_rejects_is_refused(
        self, services: FakeServices, keys: Identities, outbox: FakeOutboxClient
    ) -> None:
        services.taking = RuleViolated(code="event_rejected")
        delivery = await claimed(outbox, "notifications")
        client = keys.client("back-workers", "back-api", AsgiTransport(services.app()))
        with pytest.raises(EventRejected):
            await notifications(client)(delivery)


@pytest.mark.parametrize(
    "callee, path",
    [("back-cassandra", LAUNCHES), ("back-cassandra", TIMELINE), ("back-redis", UNREAD)],
)
class TestApplied:
    async def test_several_are_one_call_and_a_refused_one_costs_no_other(
        self,
        services: FakeServices,
        keys: Identities,
        outbox: FakeOutboxClient,
        callee: str,
        path: str,
    ) -> None:
        deliveries = [await claimed(outbox, "timeline") for _ in range(3)]
        services.refused_events = {deliveries[1].envelope.event_id}
        client = keys.client("back-workers", callee, AsgiTransport(services.app()))
        alone, together = applied(client, path)
        failures = await together(deliveries)
        assert list(failures) == [deliveries[1].delivery_id]
        assert services.applied[path.split("/")[1]] == [
            deliveries[0].envelope,
            deliveries[2].envelope,
        ]
        with pytest.raises(EventRejected):
            await alone(deliveries[1])
        await alone(deliveries[0])


class TestConsumers:
    async def test_every_consumer_of_the_routing_table_is_served(
        self, keys: Identities, services: FakeServices, broker: Broker
    ) -> None:
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        erase = erasure(client, client, Path("exports"))
        found = consumers(client, client, client, broker, erase)
        served = {consumer.name for consumer in found}
        routed = {name for names in contract_registry().routing.values() for name in names}
        assert routed <= served
