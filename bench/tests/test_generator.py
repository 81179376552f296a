"""The load generator: its schedule, its latencies, what it carries over and what it hears."""

from itertools import pairwise

import pytest

from generator import generate
from plan import Answer, Call
from summary import percentile
from tests.conftest import Target


def gaps(answers: list[Answer]) -> set[float]:
    """The times between two requests that were due one after the other, in whole ms."""
    due = sorted(answer.due for answer in answers)
    return {round((later - sooner) * 1000) for sooner, later in pairwise(due)}


class TestAtARate:
    async def test_every_request_is_due_at_its_fixed_time(self, target: Target) -> None:
        outcome = await generate(target.plan(rate=50, seconds=0.6))
        assert len(outcome.answers) == 30
        assert len(target.bodies) == 30
        assert gaps(outcome.answers) == {20}

    async def test_a_slow_server_does_not_slow_the_schedule(self, target: Target) -> None:
        target.delay = 0.4
        outcome = await generate(target.plan(rate=50, seconds=0.4))
        assert len(target.bodies) == 20
        assert gaps(outcome.answers) == {20}
        assert outcome.late < 20

    async def test_a_latency_counts_from_the_time_due(self, target: Target) -> None:
        """A server that takes 50 ms for each, one at a time, falls behind 50 requests a second:
        the last waits for all before it, which a closed loop would not have sent.
        """
        target.delay, target.in_turn = 0.05, True
        outcome = await generate(target.plan(rate=50, seconds=0.4))
        assert min(it.seconds for it in outcome.answers) >= 0.05
        assert max(it.seconds for it in outcome.answers) >= 20 * 0.05 - 0.4

    async def test_requests_that_wait_for_a_connection_count_as_slow(self, target: Target) -> None:
        target.delay = 0.1
        outcome = await generate(target.plan(rate=50, seconds=0.2, connections_max=1))
        assert max(it.seconds for it in outcome.answers) >= 10 * 0.1 - 0.2

    async def test_each_has_a_correlation_id_and_a_number_of_its_own(self, target: Target) -> None:
        calls = [Call(method="POST", path="/", body="write {id}")]
        outcome = await generate(target.plan(rate=50, seconds=0.2, calls=calls))
        assert set(target.bodies) == {f"write {it.correlation}" for it in outcome.answers}
        assert len(set(target.correlations)) == 10
        assert set(target.correlations) == {it.correlation for it in outcome.answers}

    async def test_whether_a_refusal_says_when_to_try_again_is_noted(self, target: Target) -> None:
        target.statuses = [503, 200]
        outcome = await generate(target.plan(rate=20, seconds=0.2))
        assert {(it.status, it.retry_after) for it in outcome.answers} == {
            (503, True),
            (200, False),
        }

    async def test_no_answer_is_status_0(self, target: Target) -> None:
        target.delay = 1
        outcome = await generate(target.plan(rate=20, seconds=0.1, timeout=0.05))
        assert [it.status for it in outcome.answers] == [0, 0]


class TestAsAnswered:
    async def test_so_many_are_under_way(self, target: Target) -> None:
        target.delay = 0.05
        outcome = await generate(target.plan(seconds=0.3, connections=4))
        assert 4 <= len(outcome.answers) <= 28
        assert percentile([it.seconds for it in outcome.answers], 50) >= 0.05

    async def test_an_answer_is_carried_to_the_next_request(self, target: Target) -> None:
        calls = [Call(method="POST", path="/", body="{carried}")]
        plan = target.plan(seconds=2, connections=1, calls=calls, carry="next", carried=["token 0"])
        await generate(plan)
        assert target.bodies == [f"token {n}" for n in range(len(target.bodies))]
        assert len(target.bodies) > 1


class TestSockets:
    async def test_events_are_paired_by_correlation_id(self, target: Target) -> None:
        socket = target.url.replace("http", "ws") + "/live"
        outcome = await generate(target.plan(rate=50, seconds=0.2, sockets=[socket]))
        assert set(outcome.received) == set(target.correlations)
        due = {it.correlation: it.due for it in outcome.answers}
        for correlation, (arrived, occurred) in outcome.received.items():
            assert due[correlation] <= arrived + 0.001
            assert occurred == pytest.approx(1767225600)

    async def test_events_that_come_after_the_last_answer_are_waited_for(
        self, target: Target
    ) -> None:
        target.event_delay = 0.2
        socket = target.url.replace("http", "ws") + "/live"
        outcome = await generate(target.plan(rate=50, seconds=0.1, sockets=[socket]))
        assert set(outcome.received) == {it.correlation for it in outcome.answers}

    async def test_events_that_do_not_come_are_waited_for_and_missing(self, target: Target) -> None:
        socket = target.url.replace("http", "ws") + "/live"
        target.is_silent = True
        outcome = await generate(target.plan(rate=50, seconds=0.1, sockets=[socket], drain=0.2))
        assert len(outcome.answers) == 5
        assert not outcome.received
