"""What benchmarks make of answers and log lines."""

import pytest

from benchmarks import writes
from benchmarks.overload import seconds_until_normal
from benchmarks.tasks import start_delays
from plan import Answer, Outcome
from result import Result, Session
from stack import BenchStack
from users import User, Users


def probes(*seconds: tuple[int, float]) -> list[Answer]:
    """Four probes in each second: their status and latency."""
    return [
        Answer(correlation="probe", due=100 + at + part / 4, seconds=latency, status=status)
        for at, (status, latency) in enumerate(seconds)
        for part in range(4)
    ]


class TestNormalAgain:
    def test_a_stack_that_answers_at_once_is_normal_after_0_s(self) -> None:
        assert seconds_until_normal(probes((200, 0.01), (200, 0.01)), 100, 20) == 0

    def test_refusals_and_slow_seconds_are_not_normal(self) -> None:
        found = probes((503, 0.001), (200, 0.5), (200, 0.01), (200, 0.01))
        assert seconds_until_normal(found, 100, 20) == 2

    def test_one_refusal_is_not_normal(self) -> None:
        found = probes((200, 0.01), (200, 0.01))
        found[2].status = 503
        assert seconds_until_normal(found, 100, 20) == 1

    def test_the_last_bad_second_counts(self) -> None:
        assert seconds_until_normal(probes((200, 0.01), (504, 2), (200, 0.01)), 100, 20) == 2

    def test_one_slow_answer_of_many_does_not(self) -> None:
        found = probes((200, 0.01), (200, 0.01))
        found[5].seconds = 1
        assert seconds_until_normal(found, 100, 20) == 0


def request(
    at_ms: float, took_ms: float, path: str, correlation: str = "other"
) -> dict[str, object]:
    """A request that began `at_ms` after midnight."""
    return {
        "event": "request",
        "path": path,
        "status": 200,
        "ms": took_ms,
        "time": f"2026-01-01T00:00:{(at_ms + took_ms) / 1000:09.6f}Z",
        "correlation_id": correlation,
    }


class TestTaskStart:
    def test_it_is_the_beginning_of_the_take_after_that_of_the_write(self) -> None:
        log: list[dict[str, object]] = [
            request(1000, 10, "/events", "bench-1"),
            {"event": "something else"},
            request(1030, 5, "/deliveries/d1/take"),
            request(1050, 5, "/deliveries/d1/complete", "bench-1"),
        ]
        (delay,) = start_delays(log, {"bench-1"})
        assert round(delay, 3) == 30

    def test_the_delivery_of_another_consumer_is_no_task(self) -> None:
        log: list[dict[str, object]] = [
            request(1000, 10, "/events", "bench-1"),
            request(1020, 5, "/deliveries/d2/complete", "bench-1"),
        ]
        assert start_delays(log, {"bench-1"}) == []

    def test_only_the_first_take_that_succeeded_counts(self) -> None:
        refused = {**request(1010, 5, "/deliveries/d1/take"), "status": 409}
        log: list[dict[str, object]] = [
            request(1000, 10, "/events", "bench-1"),
            refused,
            request(1030, 5, "/deliveries/d1/take"),
            request(1090, 5, "/deliveries/d1/take"),
            request(1100, 5, "/deliveries/d1/complete", "bench-1"),
        ]
        (delay,) = start_delays(log, {"bench-1"})
        assert round(delay, 3) == 30


class IdleStack(BenchStack):
    """A stack without processes, whose deliveries are all done."""

    def url(self, service: str = "back-gateway") -> str:
        return service

    @property
    def pids(self) -> dict[str, int]:
        return {}

    async def settled(self, within: float = 0) -> list[tuple[float, float]]:
        return [(within, 0)]


class NoUsers(Users):
    def all(self) -> list[User]:
        return []

    async def tickets(self, users: list[User]) -> list[str]:
        return []


@pytest.fixture
def session() -> Session:
    stack = IdleStack(0, print)
    return Session(stack, NoUsers(stack), is_quick=True, say=print)


class TestWrites:
    def test_events_are_paired_with_their_writes_and_lost_ones_are_late(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = [
            Answer(correlation=name, due=100, seconds=0.02, status=200) for name in ("one", "two")
        ]
        outcome = Outcome(answers=answers, received={"one": (100.05, 100.01)})
        monkeypatch.setattr(writes, "at_rate", lambda *_, **__: outcome)
        result = Result()
        found = writes.write_at_rate(session, result, "at 1/s", [], 1, 2)
        assert found
        assert found.lost == 1
        assert found.live_p99 == 10_000
        assert result["at 1/s: write due to event at the socket, p50"].median == pytest.approx(50)
        live = result["at 1/s: event occurred to event at the socket, p50"]
        assert live.median == pytest.approx(40)

    def test_one_refusal_leaves_no_figures(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused = Answer(correlation="one", due=100, seconds=0.02, status=503)
        monkeypatch.setattr(writes, "at_rate", lambda *_, **__: Outcome(answers=[refused]))
        result = Result()
        assert writes.write_at_rate(session, result, "at 1/s", [], 1, 2) is None
        assert result.figures == []
        assert result.notes == ["Void at 1/s: of 1 answers, 1 times 503."]
