"""What benchmarks make of answers and log lines."""

from benchmarks.overload import seconds_until_normal
from benchmarks.tasks import start_delays
from plan import Answer


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
