from collections.abc import Mapping

import pytest

from relay.claim_pace import PATIENT_SECONDS, ClaimPace
from shared.testing.clock import Clock

GATHER = 0.04
AT_ONCE = 100


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def pace(clock: Clock) -> ClaimPace:
    return ClaimPace({"audit"}, gather_seconds=GATHER, at_once=AT_ONCE, clock=clock.monotonic)


class TestRest:
    @pytest.mark.parametrize(
        "claimed,factor",
        [
            ({}, 0),
            ({"live": 1}, 1),
            ({"live": 4, "audit": 4}, 1),
            ({"live": 6, "mail": 1}, 1.5),
            ({"live": 6, "audit": 30}, 1.5),
            ({"audit": 30}, 1),
            ({"live": 8}, 2),
            ({"live": AT_ONCE - 1}, 2),
            ({"live": AT_ONCE, "audit": 1}, 0),
        ],
    )
    def test_it_is_longer_where_more_is_due_and_none_where_more_waits(
        self, pace: ClaimPace, claimed: Mapping[str, int], factor: float
    ) -> None:
        assert pace.rest_after(claimed) == pytest.approx(GATHER * factor)


class TestPatience:
    def test_a_delivery_that_comes_alone_is_claimed_at_once(
        self, pace: ClaimPace, clock: Clock
    ) -> None:
        for _ in range(3):
            pace.rest_after({"audit": 1})
            assert pace.patient_left_out() == 0
            clock.now += 3 * PATIENT_SECONDS

    def test_after_two_in_short_time_the_next_wait(self, pace: ClaimPace, clock: Clock) -> None:
        pace.rest_after({"audit": 1})
        clock.now += 0.1
        pace.rest_after({"audit": 1, "live": 1})
        assert pace.patient_left_out() == pytest.approx(PATIENT_SECONDS)
        clock.now += 0.1
        pace.rest_after({"live": 3})
        assert pace.patient_left_out() == pytest.approx(PATIENT_SECONDS - 0.1)

    def test_less_than_a_rest_is_not_waited_for(self, pace: ClaimPace, clock: Clock) -> None:
        pace.rest_after({"audit": 1})
        pace.rest_after({"audit": 1})
        clock.now += PATIENT_SECONDS - GATHER / 2
        assert pace.patient_left_out() == 0

    def test_a_backlog_is_not_waited_for(self, pace: ClaimPace) -> None:
        pace.rest_after({"audit": 1})
        pace.rest_after({"audit": 1})
        pace.rest_after({"audit": AT_ONCE})
        assert pace.patient_left_out() == 0
