import asyncio
import time

import pytest
from fastapi import Response

from delivery_handler import (
    VERSION_UNKNOWN,
    DeliveryFailed,
    Effect,
    LeaseLost,
    Undeliverable,
    handle_delivery,
)
from relay.consumers import audit
from settings import PostponePolicy
from shared.kit.errors import NotFound, TimedOut, Unavailable
from shared.kit.http.context import correlation_id
from shared.models.event import Delivery
from shared.models.problem import Problem
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from tests.fake_outbox_client import FakeOutboxClient, Row
from tests.fake_services import FakeServices

DAY = 86_400


def answer_of(status: int, code: str, *, retry_after: int | None = None) -> Response:
    """A problem as any service answers it."""
    problem = Problem(
        type=f"urn:tools-dashboard:problem:{code}",
        title="A problem",
        status=status,
        detail="A problem of a test.",
        instance="/audit/events",
        code=code,
        correlation_id="correlation-of-test",
    )
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(problem.model_dump_json(exclude_none=True), status, headers)


async def claimed(outbox: FakeOutboxClient) -> tuple[Row, Delivery]:
    row = outbox.add("audit")
    (delivery,) = await outbox.claim(["audit"], limit=1, wait_seconds=0)
    return row, delivery


def raising(error: Exception) -> Effect:
    async def effect(delivery: Delivery) -> None:
        raise error

    return effect


async def nothing(delivery: Delivery) -> None: ...


async def handled(
    outbox: FakeOutboxClient,
    delivery: Delivery,
    effect: Effect,
    *,
    seconds: float = 50,
) -> None:
    await handle_delivery(
        outbox,
        delivery,
        effect,
        seconds=seconds,
        policy=PostponePolicy(pause_seconds=1, max_seconds=DAY),
    )


class TestOutcome:
    async def test_an_effect_that_happened_completes_the_delivery(
        self, outbox: FakeOutboxClient
    ) -> None:
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, nothing)
        assert row.state == "done"

    @pytest.mark.parametrize("error", [Unavailable(), TimedOut(), TimeoutError()])
    async def test_out_of_reach_costs_no_attempt_and_rests_the_consumer(
        self, outbox: FakeOutboxClient, error: Exception
    ) -> None:
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, raising(error))
        assert (row.state, row.attempts) == ("pending", 0)
        assert "audit" in outbox.paused

    async def test_an_effect_that_takes_too_long_is_out_of_reach(
        self, outbox: FakeOutboxClient
    ) -> None:
        async def hang(delivery: Delivery) -> None:
            await asyncio.Event().wait()

        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, hang, seconds=0.02)
        assert (row.state, row.attempts) == ("pending", 0)

    @pytest.mark.parametrize(
        "error,reason",
        [
            (NotFound("Ada is unknown", code="user_not_found"), "user_not_found"),
            (ValueError("something about ada@example.org"), "ValueError"),
        ],
    )
    async def test_any_other_error_spends_an_attempt_and_leaves_a_reason(
        self, outbox: FakeOutboxClient, error: Exception, reason: str
    ) -> None:
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, raising(error))
        assert (row.attempts, row.last_error) == (1, reason)

    async def test_what_can_never_succeed_is_dead_at_once(self, outbox: FakeOutboxClient) -> None:
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, raising(Undeliverable("the payload names no user_id")))
        assert (row.state, row.last_error) == ("dead", "the payload names no user_id")
        assert outbox.failed == {}

    async def test_a_failure_may_say_when_to_retry(self, outbox: FakeOutboxClient) -> None:
        row, delivery = await claimed(outbox)
        failure = DeliveryFailed("not now", event_at_fault=True, retry_seconds=3600)
        await handled(outbox, delivery, raising(failure))
        assert (row.state, row.attempts, outbox.failed) == ("pending", 1, {})
        assert row.due == pytest.approx(time.monotonic() + 3600, abs=60)

    async def test_a_lost_lease_is_nobodys_fault(self, outbox: FakeOutboxClient) -> None:
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, raising(LeaseLost()))
        assert (row.state, row.attempts) == ("sent", 0)

    async def test_a_cancelled_delivery_is_given_back(self, outbox: FakeOutboxClient) -> None:
        async def hang(delivery: Delivery) -> None:
            await asyncio.Event().wait()

        row, delivery = await claimed(outbox)
        carrying = asyncio.create_task(handled(outbox, delivery, hang))
        await asyncio.sleep(0)  # noqa: TID251 - lets the other task run
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying
        assert (row.state, row.attempts) == ("pending", 0)


class TestAnswersOfAConsumer:
    """Each through the kit's client, as the relay sees it."""

    @pytest.fixture
    def store(self, services: FakeServices, keys: Identities) -> Effect:
        return audit(keys.client("back-workers", "back-cassandra", AsgiTransport(services.app())))

    @pytest.mark.parametrize(
        "answer",
        [
            answer_of(503, "unavailable"),
            answer_of(504, "timed_out"),
            answer_of(401, "assertion_refused"),
            answer_of(403, "scope_missing"),
            answer_of(404, "not_found"),
            answer_of(405, "method_not_allowed"),
            answer_of(408, "request_timeout"),
            answer_of(409, VERSION_UNKNOWN),
            answer_of(429, "too_many_requests"),
            Response("<html>", 404),
        ],
    )
    async def test_what_a_deploy_or_load_explains_costs_no_attempt_and_pauses_the_consumer(
        self, services: FakeServices, outbox: FakeOutboxClient, store: Effect, answer: Response
    ) -> None:
        services.audit_answer = answer
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, store)
        assert (row.state, row.attempts) == ("pending", 0)
        assert "audit" in outbox.paused

    @pytest.mark.parametrize(
        "answer",
        [
            answer_of(500, "internal_error"),
            answer_of(409, "event_conflicts"),
            answer_of(404, "user_not_found"),
            answer_of(413, "payload_too_large"),
            answer_of(418, "teapot"),
            Response("{}", 201),
        ],
    )
    async def test_any_other_fault_spends_an_attempt_of_this_event_alone(
        self, services: FakeServices, outbox: FakeOutboxClient, store: Effect, answer: Response
    ) -> None:
        services.audit_answer = answer
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, store)
        assert (row.state, row.attempts, outbox.paused) == ("pending", 1, {})

    @pytest.mark.parametrize(
        "answer",
        [
            answer_of(422, "validation_failed"),
            answer_of(422, "event_rejected"),
            answer_of(403, "event_rejected"),
        ],
    )
    async def test_a_refused_event_is_dead_at_once_and_counts_for_its_consumer(
        self, services: FakeServices, outbox: FakeOutboxClient, store: Effect, answer: Response
    ) -> None:
        services.audit_answer = answer
        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, store)
        assert (row.state, outbox.paused) == ("dead", {})
        assert outbox.failed == {"audit": {row.envelope.event_id}}

    async def test_429_says_for_how_long_to_pause(
        self, services: FakeServices, outbox: FakeOutboxClient, store: Effect
    ) -> None:
        services.audit_answer = answer_of(429, "too_many_requests", retry_after=30)
        _, delivery = await claimed(outbox)
        await handled(outbox, delivery, store)
        assert outbox.paused["audit"] == pytest.approx(time.monotonic() + 30, abs=10)

    @pytest.mark.parametrize("postponed,attempts", [(DAY - 1, 0), (DAY, 1)])
    async def test_after_a_day_of_postponements_attempts_are_spent_with_an_alarm(
        self,
        outbox: FakeOutboxClient,
        capfd: pytest.CaptureFixture[str],
        postponed: float,
        attempts: int,
    ) -> None:
        row, delivery = await claimed(outbox)
        late = delivery.model_copy(update={"postponed_seconds": postponed})
        await handled(outbox, late, raising(Unavailable()))
        assert row.attempts == attempts
        assert ("delivery_postponed_too_long" in capfd.readouterr().out) == bool(attempts)


class TestTelling:
    async def test_an_outbox_out_of_reach_is_left_to_the_end_of_the_lease(
        self, outbox: FakeOutboxClient
    ) -> None:
        async def then_down(delivery: Delivery) -> None:
            outbox.down = Unavailable()

        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, then_down)
        assert row.state == "sent"

    async def test_a_delivery_that_another_took_is_not_completed(
        self, outbox: FakeOutboxClient
    ) -> None:
        async def slow(delivery: Delivery) -> None:
            await outbox.take(delivery.delivery_id)

        row, delivery = await claimed(outbox)
        await handled(outbox, delivery, slow)
        assert row.state == "leased"


class TestCorrelation:
    async def test_the_effect_belongs_to_the_events_correlation(
        self, outbox: FakeOutboxClient
    ) -> None:
        seen: list[str] = []

        async def note(delivery: Delivery) -> None:
            seen.append(correlation_id())

        _, delivery = await claimed(outbox)
        await handled(outbox, delivery, note)
        assert seen == ["correlation-of-test"]
