"""The limit follows a simulated server: it finds its capacity, and finds it again."""

import heapq
import itertools
from dataclasses import dataclass, field

import pytest

from shared.kit.http.concurrency_limit import Admission, Bounds, ConcurrencyLimit

BOUNDS = Bounds(floor=8, ceiling=128, reserved=16, queueing=0.04)


@dataclass
class Outcome:
    """What came of the requests of some seconds of load."""

    offered: int = 0
    good: int = 0
    refused: int = 0
    critical_refused: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        return sum(self.times) / len(self.times)


class Server:
    """One processor that serves requests in turn, `rate` a second, behind a limit.

    Nothing is random and the clock is simulated: a second of load takes milliseconds.
    """

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self.now = 0.0
        self.rate = 600.0
        self.waits = 0.004  # seconds that a request takes beside its turn, as for a callee
        self.limit = ConcurrencyLimit(bounds, clock=lambda: self.now, jitter=lambda: 0.5)
        self._free_at = 0.0
        self._ends: list[tuple[float, int, Admission, str, Outcome]] = []
        self._numbers = itertools.count()

    def load(
        self, seconds: float, rate: float, *, kind: str = "read", critical_every: int = 0
    ) -> Outcome:
        """Offer `rate` requests a second, answered or not: an open loop."""
        outcome = Outcome()
        began = self.now
        for number in range(round(seconds * rate)):
            self._run_until(began + number / rate)
            critical = bool(critical_every) and number % critical_every == 0
            self._request(kind, outcome, critical=critical)
        self._run_until(began + seconds)
        return outcome

    def _request(self, kind: str, outcome: Outcome, *, critical: bool) -> None:
        outcome.offered += 1
        admitted = self.limit.admit(critical=critical)
        if admitted is None:
            outcome.refused += 1
            outcome.critical_refused += critical
            return
        work = 1 / self.rate
        self._free_at = max(self._free_at, self.now) + work
        ends = self._free_at + self.waits * (10 if kind == "slow" else 1)
        heapq.heappush(self._ends, (ends, next(self._numbers), admitted, kind, outcome))

    def _run_until(self, until: float) -> None:
        while self._ends and self._ends[0][0] <= until:
            self.now, _, admitted, kind, outcome = heapq.heappop(self._ends)
            self.limit.finish(admitted, kind)
            outcome.good += 1
            outcome.times.append(self.now - admitted.began)
        self.now = until


@pytest.fixture
def server() -> Server:
    found = Server()
    found.load(2, 100)
    return found


class TestBelowCapacity:
    def test_nothing_is_refused(self, server: Server) -> None:
        assert server.load(60, 540).refused == 0

    def test_a_burst_is_admitted(self, server: Server) -> None:
        assert server.load(0.001, 100_000).refused == 0

    def test_an_idle_server_admits_a_burst_after_an_overload(self, server: Server) -> None:
        server.load(5, 1200)
        server.load(3, 0)
        assert server.load(0.001, 100_000).refused == 0

    def test_requests_that_wait_for_something_slow_do_not_lower_an_unused_limit(
        self, server: Server
    ) -> None:
        server.waits = 1.0
        server.load(10, 20)
        assert server.limit.limit == BOUNDS.ceiling


class TestOverload:
    def test_the_server_stays_busy_and_answers_in_time(self, server: Server) -> None:
        server.load(2, 1200)
        outcome = server.load(60, 1200)
        assert outcome.good >= 0.97 * 60 * 600
        assert outcome.mean < 0.1
        assert max(outcome.times) < 0.25

    def test_the_first_second_is_bounded_too(self, server: Server) -> None:
        assert max(server.load(1, 1200).times) < 0.25

    @pytest.mark.parametrize("times", [3, 10])
    def test_more_load_is_not_more_time(self, server: Server, times: int) -> None:
        server.load(2, 600 * times)
        outcome = server.load(60, 600 * times)
        assert outcome.good >= 0.95 * 60 * 600
        assert outcome.mean < 0.1

    def test_half_the_capacity_halves_the_limit(self, server: Server) -> None:
        server.load(5, 1200)
        before = server.limit.limit
        server.rate = 300
        server.load(2, 1200)
        outcome = server.load(60, 1200)
        assert outcome.good >= 0.95 * 60 * 300
        assert outcome.mean < 0.1
        assert server.limit.limit == pytest.approx(before / 2, rel=0.35)

    def test_capacity_that_returns_is_used_within_two_seconds(self, server: Server) -> None:
        server.rate = 150
        server.load(5, 1200)
        server.rate = 600
        server.load(2, 1200)
        assert server.load(5, 1200).good >= 0.95 * 5 * 600

    def test_a_slower_machine_does_not_raise_the_time_with_each_measurement(
        self, server: Server
    ) -> None:
        server.rate = 100
        server.load(120, 1200)
        assert server.load(60, 1200).mean < 0.15

    def test_normal_a_second_after(self, server: Server) -> None:
        server.load(30, 1200)
        server.load(1, 100)
        outcome = server.load(10, 500)
        assert outcome.refused == 0
        assert outcome.mean < 0.02

    def test_the_time_alone_is_measured_where_no_request_is_alone(self, server: Server) -> None:
        server.load(2, 1200)
        limits: list[int] = []
        for _ in range(2000):
            server.load(0.1, 1200)
            limits.append(server.limit.limit)
        measurements = sum(limit == 3 < before for before, limit in itertools.pairwise(limits))
        assert 3 <= measurements <= 6

    def test_what_was_alone_before_it_does_not_put_off_the_measurement(
        self, server: Server
    ) -> None:
        limits: list[int] = []
        for _ in range(400):
            server.load(0.1, 1200)
            limits.append(server.limit.limit)
        assert 3 in limits

    @pytest.mark.parametrize("waits", [0.004, 0.05])
    def test_a_light_load_after_it_is_never_refused(self, server: Server, waits: float) -> None:
        server.waits = waits
        server.load(20, 1200)
        server.load(1, 120)
        assert server.load(120, 120).refused == 0

    def test_bursts_among_which_requests_are_alone_are_no_reason_to_measure(
        self, server: Server
    ) -> None:
        for _ in range(120):
            assert server.load(0.001, 150_000).refused > 0
            server.load(0.3, 0)
            assert server.load(0.7, 100).refused == 0

    def test_measuring_refuses_for_a_quarter_of_a_second(self, server: Server) -> None:
        server.load(40, 1200)
        while server.limit.limit > 3:
            server.load(0.01, 1200)
        server.load(0.3, 20)
        assert server.load(1, 120).refused == 0

    def test_the_limit_keeps_to_its_floor(self, server: Server) -> None:
        server.rate = 10
        server.load(20, 1200)
        assert server.limit.limit == BOUNDS.floor

    def test_another_mix_of_requests_is_not_taken_for_queueing(self, server: Server) -> None:
        server.waits = 0.03
        server.load(2, 100)
        server.load(2, 100, kind="slow")
        assert server.load(20, 300, kind="slow").refused == 0


class TestCritical:
    def test_requests_pass_while_others_are_refused(self, server: Server) -> None:
        server.load(2, 1200)
        outcome = server.load(20, 1200, critical_every=12)
        assert outcome.refused > 0
        assert outcome.critical_refused == 0

    def test_requests_are_bounded_too(self, server: Server) -> None:
        outcome = server.load(20, 1200, critical_every=1)
        assert outcome.critical_refused > 0
        assert max(outcome.times) < 0.3


class TestTimeOuts:
    def test_requests_that_only_time_out_lower_the_limit(self, server: Server) -> None:
        for _ in range(20):
            admitted = [server.limit.admit() for _ in range(100)]
            server.now += 2
            for began in admitted:
                if began is not None:
                    server.limit.finish(began, None)
        assert server.limit.limit == BOUNDS.floor

    def test_requests_that_a_callee_refused_say_nothing(self, server: Server) -> None:
        server.load(3, 1200)
        before = server.limit.limit
        for _ in range(100):
            assert server.limit.admit(critical=True) is not None
            server.limit.leave()
        assert server.limit.limit == before
