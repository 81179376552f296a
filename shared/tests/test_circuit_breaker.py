"""The circuit breaker."""

import pytest

from shared.kit.http.circuit_breaker import CircuitBreaker
from shared.testing.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock.monotonic)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


class TestOpens:
    def test_after_five_failures_in_a_row(self, breaker: CircuitBreaker) -> None:
        fail(breaker, 4)
        assert breaker.allow()
        fail(breaker, 1)
        assert breaker.open
        assert not breaker.allow()

    def test_when_half_of_the_last_twenty_failed(self, breaker: CircuitBreaker) -> None:
        for _ in range(9):
            breaker.failed()
            breaker.succeeded()
        breaker.succeeded()
        assert not breaker.open
        breaker.failed()
        assert breaker.open

    def test_not_for_a_failure_now_and_then(self, breaker: CircuitBreaker) -> None:
        for _ in range(30):
            breaker.succeeded()
            breaker.succeeded()
            breaker.failed()
        assert not breaker.open


class TestHalfOpen:
    def test_lets_one_trial_through_after_half_a_second(
        self, breaker: CircuitBreaker, clock: Clock
    ) -> None:
        fail(breaker, 5)
        clock.now += 0.4
        assert not breaker.allow()
        assert breaker.refuses
        clock.now += 0.1
        assert not breaker.refuses, "the next call may be made"
        assert breaker.allow()
        assert breaker.refuses
        assert not breaker.allow(), "one trial at a time"

    def test_a_trial_that_is_answered_closes(self, breaker: CircuitBreaker, clock: Clock) -> None:
        fail(breaker, 20)
        clock.now += 0.5
        breaker.allow()
        breaker.succeeded()
        assert breaker.allow()
        fail(breaker, 1)
        assert breaker.allow(), "what came before the trial is forgotten"

    def test_a_trial_that_fails_opens_again(self, breaker: CircuitBreaker, clock: Clock) -> None:
        fail(breaker, 5)
        clock.now += 0.5
        breaker.allow()
        breaker.failed()
        clock.now += 0.4
        assert not breaker.allow()
        clock.now += 0.1
        assert breaker.allow()

    def test_calls_that_fail_late_do_not_delay_the_trial(
        self, breaker: CircuitBreaker, clock: Clock
    ) -> None:
        fail(breaker, 5)
        clock.now += 0.4
        fail(breaker, 20)
        clock.now += 0.1
        assert breaker.allow()

    def test_a_trial_that_was_cancelled_is_made_again(
        self, breaker: CircuitBreaker, clock: Clock
    ) -> None:
        fail(breaker, 5)
        clock.now += 0.5
        breaker.allow()
        breaker.gave_up()
        assert breaker.allow()
