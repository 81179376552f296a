"""The outcomes of a batch: together, one by one after a failure, and those that wait."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from delivery_handler import EventRejected
from outbox_client import Outcome
from relay.consumers import (
    Consumer,
    InBatches,
    Notified,
    OneByOne,
    audit,
    audit_batch,
    live,
    live_batch,
)
from relay.delivery_batch import FAILURES_IN_A_ROW, DeliveryBatch
from settings import PostponePolicy
from shared.kit.errors import NotFound, PayloadTooLarge, ServiceError, Unavailable
from shared.kit.http.context import correlation_id
from shared.models.event import (
    CompletedDelivery,
    Delivery,
    FailedDelivery,
    PostponedDelivery,
    ReleasedDelivery,
)
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from tests.fake_outbox_client import FakeOutboxClient
from tests.fake_services import FakeServices

POLICY = PostponePolicy(pause_seconds=1, max_seconds=86_400)


async def claimed(
    outbox: FakeOutboxClient, count: int, aggregate_id: UUID | None = None
) -> list[Delivery]:
    for _ in range(count):
        outbox.add("audit", aggregate_id=aggregate_id, payload={"user_id": str(uuid4())})
    return await outbox.claim(["audit"], limit=200, wait_seconds=0, in_batches=["audit"])


async def delivered(
    consumer: Consumer, deliveries: Sequence[Delivery], *, seconds: float = 50
) -> list[Outcome]:
    return await DeliveryBatch(consumer, deliveries, POLICY, seconds=seconds).deliver()


async def never(delivery: Delivery) -> None:
    raise AssertionError


def kinds(outcomes: Sequence[Outcome]) -> list[type[Outcome]]:
    return [type(outcome) for outcome in outcomes]


@pytest.fixture
def to_audit(services: FakeServices, keys: Identities) -> Consumer:
    client = keys.client("back-workers", "back-cassandra", AsgiTransport(services.app()))
    return Consumer("audit", InBatches(audit(client), audit_batch(client)))


class TestTogether:
    async def test_a_batch_is_one_call(
        self, outbox: FakeOutboxClient, services: FakeServices, to_audit: Consumer
    ) -> None:
        deliveries = await claimed(outbox, 7)
        outcomes = await delivered(to_audit, deliveries)
        assert kinds(outcomes) == [CompletedDelivery] * 7
        assert services.audited == [it.envelope for it in deliveries]
        assert services.audit_batches == 1

    async def test_one_refused_event_costs_no_other(
        self, outbox: FakeOutboxClient, services: FakeServices, to_audit: Consumer
    ) -> None:
        deliveries = await claimed(outbox, 3)
        services.refused_by_audit = {deliveries[1].envelope.event_id}
        done, refused, last = await delivered(to_audit, deliveries)
        assert kinds([done, last]) == [CompletedDelivery] * 2
        assert isinstance(refused, FailedDelivery)
        assert (refused.final, refused.event_at_fault) == (True, False)

    async def test_an_event_without_a_user_costs_no_other(
        self, outbox: FakeOutboxClient, services: FakeServices, keys: Identities
    ) -> None:
        outbox.add("live")
        outbox.add("live", payload={"user_id": str(uuid4())})
        deliveries = await outbox.claim(["live"], limit=9, wait_seconds=0)
        client = keys.client("back-workers", "back-redis", AsgiTransport(services.app()))
        consumer = Consumer("live", InBatches(live(client), live_batch(client)))
        refused, done = await delivered(consumer, deliveries)
        assert isinstance(refused, FailedDelivery)
        assert (refused.final, refused.event_at_fault) == (True, True)
        assert isinstance(done, CompletedDelivery)
        assert len(services.published) == 1

    @pytest.mark.parametrize("error", [Unavailable(), NotFound()])
    async def test_a_consumer_out_of_reach_postpones_all(
        self,
        outbox: FakeOutboxClient,
        services: FakeServices,
        to_audit: Consumer,
        error: ServiceError,
    ) -> None:
        services.audit_down = error
        outcomes = await delivered(to_audit, await claimed(outbox, 3))
        assert kinds(outcomes) == [PostponedDelivery] * 3

    async def test_one_that_takes_too_long_postpones_all(self, outbox: FakeOutboxClient) -> None:
        async def hang(deliveries: Sequence[Delivery]) -> dict[UUID, EventRejected]:
            await asyncio.Event().wait()
            return {}

        outcomes = await delivered(
            Consumer("audit", InBatches(never, hang)), await claimed(outbox, 2), seconds=0.02
        )
        assert kinds(outcomes) == [PostponedDelivery] * 2


class TestOneByOne:
    async def test_an_event_on_which_the_batch_fails_fails_alone(
        self, outbox: FakeOutboxClient, services: FakeServices, to_audit: Consumer
    ) -> None:
        deliveries = await claimed(outbox, 4)
        services.fails_on = deliveries[1].envelope.event_id
        outcomes = await delivered(to_audit, deliveries)
        done = CompletedDelivery
        assert kinds(outcomes) == [done, FailedDelivery, done, done]

    async def test_a_batch_that_is_too_large_goes_one_by_one(
        self, outbox: FakeOutboxClient, services: FakeServices, to_audit: Consumer
    ) -> None:
        deliveries = await claimed(outbox, 3)
        client_error = PayloadTooLarge()

        async def too_large(_: Sequence[Delivery]) -> dict[UUID, EventRejected]:
            raise client_error

        assert isinstance(to_audit.handover, InBatches)
        consumer = Consumer("audit", InBatches(to_audit.handover.effect, too_large))
        assert kinds(await delivered(consumer, deliveries)) == [CompletedDelivery] * 3
        assert len(services.audited) == 3

    async def test_the_later_ones_of_the_aggregate_wait_for_the_retry(
        self, outbox: FakeOutboxClient, services: FakeServices, to_audit: Consumer
    ) -> None:
        deliveries = await claimed(outbox, 3, uuid4()) + await claimed(outbox, 1)
        services.fails_on = deliveries[0].envelope.event_id
        outcomes = await delivered(to_audit, deliveries)
        waiting = ReleasedDelivery
        assert kinds(outcomes) == [FailedDelivery, waiting, waiting, CompletedDelivery]

    async def test_after_some_failures_in_a_row_the_rest_is_not_tried(
        self, outbox: FakeOutboxClient
    ) -> None:
        tried: list[Delivery] = []

        async def fail(delivery: Delivery) -> None:
            tried.append(delivery)
            raise RuntimeError

        async def fail_all(_: Sequence[Delivery]) -> dict[UUID, EventRejected]:
            raise RuntimeError

        deliveries = await claimed(outbox, FAILURES_IN_A_ROW + 3)
        outcomes = await delivered(Consumer("audit", InBatches(fail, fail_all)), deliveries)
        failed = [FailedDelivery] * FAILURES_IN_A_ROW
        assert kinds(outcomes) == [*failed, *[ReleasedDelivery] * 3]
        assert len(tried) == FAILURES_IN_A_ROW

    async def test_a_consumer_that_goes_away_postpones_one_and_releases_the_rest(
        self, outbox: FakeOutboxClient
    ) -> None:
        async def away(delivery: Delivery) -> None:
            raise Unavailable

        outcomes = await delivered(
            Consumer("revocations", OneByOne(away)), await claimed(outbox, 3)
        )
        assert kinds(outcomes) == [PostponedDelivery, ReleasedDelivery, ReleasedDelivery]

    async def test_each_belongs_to_the_correlation_of_its_event(
        self, outbox: FakeOutboxClient
    ) -> None:
        seen: list[str] = []

        async def note(delivery: Delivery) -> None:
            seen.append(correlation_id())

        await delivered(Consumer("revocations", OneByOne(note)), await claimed(outbox, 2))
        assert seen == ["correlation-of-test"] * 2


class TestNotify:
    async def test_a_worker_completes_what_it_was_notified_of(
        self, outbox: FakeOutboxClient
    ) -> None:
        notified: list[Delivery] = []

        async def notify(deliveries: Sequence[Delivery]) -> None:
            notified.extend(deliveries)

        deliveries = await claimed(outbox, 2)
        consumer = Consumer("mail", Notified(notify, lambda _: True))
        assert await delivered(consumer, deliveries) == []
        assert notified == deliveries

    async def test_what_is_not_wanted_is_complete_without_a_worker(
        self, outbox: FakeOutboxClient
    ) -> None:
        notified: list[Delivery] = []

        async def notify(deliveries: Sequence[Delivery]) -> None:
            notified.extend(deliveries)

        deliveries = await claimed(outbox, 3)
        consumer = Consumer("mail", Notified(notify, lambda it: it == deliveries[1]))
        outcomes = await delivered(consumer, deliveries)
        assert [it.delivery_id for it in outcomes] == [
            deliveries[0].delivery_id,
            deliveries[2].delivery_id,
        ]
        assert kinds(outcomes) == [CompletedDelivery] * 2
        assert notified == [deliveries[1]]
        nothing = Consumer("mail", Notified(notify, lambda _: False))
        assert kinds(await delivered(nothing, deliveries)) == [CompletedDelivery] * 3
        assert notified == [deliveries[1]]

    async def test_a_broker_that_is_out_postpones_all(self, outbox: FakeOutboxClient) -> None:
        async def notify(_: Sequence[Delivery]) -> None:
            raise Unavailable

        deliveries = await claimed(outbox, 3)
        consumer = Consumer("mail", Notified(notify, lambda it: it != deliveries[1]))
        outcomes = await delivered(consumer, deliveries)
        assert kinds(outcomes) == [CompletedDelivery, PostponedDelivery, PostponedDelivery]
