from uuid import uuid4

import pytest
from pydantic import JsonValue

from broker import Broker
from delivery_handler import Undeliverable
from relay.consumers import audit, consumers, live, revocations
from shared.kit.contract_registry import contract_registry
from shared.kit.errors import Unavailable
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


class TestConsumers:
    async def test_every_consumer_of_the_routing_table_is_served(
        self, keys: Identities, services: FakeServices, broker: Broker
    ) -> None:
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        served = {consumer.name for consumer in consumers(client, client, broker)}
        routed = {name for names in contract_registry().routing.values() for name in names}
        assert routed <= served
