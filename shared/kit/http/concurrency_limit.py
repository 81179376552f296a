"""How many requests a service handles at once: a limit that follows what the service can hold."""

import math
import random
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_WINDOW_SECONDS = 0.1
_WINDOW_SAMPLES = 5
_LONGEST_WINDOW_SECONDS = 1.0
_STEEPEST = 0.25  # Envoy has 0.5, and needs a second where a machine is ten times too slow
_EPOCH_SECONDS = 30.0
_PROBE_SECONDS = 0.25
_FEW_REQUESTS = 3  # Envoy's `min_concurrency`


@dataclass(frozen=True, slots=True)
class Bounds:
    """`floor` and `ceiling` of the limit in requests, and `reserved` requests beyond it.

    `queueing` is how many seconds longer than alone a request may take on average.
    """

    floor: int
    ceiling: int
    reserved: int
    queueing: float


@dataclass(frozen=True, slots=True)
class Admission:
    """A request in flight: when it began, and whether few others were in flight then."""

    began: float
    among_few: bool


class ConcurrencyLimit:
    """Envoy's gradient controller, with a constant allowance for queueing.

    After each window of about 100 ms: `gradient = (alone + queueing) / measured`, both the means
    of the window's requests, and `limit = limit * gradient + sqrt(limit)`. The time alone is the
    shortest of the last 30 to 60 s.

    Three differences. The allowance is in seconds and not a share of the time alone, so that a
    service whose time contains a callee's reaches its limit before the callee does. The time alone
    is kept by kind of request, so that a change of the mix is not taken for queueing. Envoy lowers
    the limit to 3 at intervals, to measure the time alone, and so refuses requests at any load.
    Here that is done for 250 ms where 30 s had refusals and no request began among fewer than 3
    after the last of them, and not before the next refusal. What it refuses does not count, or it
    would go on without end.

    Source: Envoy, `envoy.filters.http.adaptive_concurrency`; the rule that an unused limit is not
    lowered is that of Netflix's concurrency-limits.
    """

    def __init__(
        self,
        bounds: Bounds,
        *,
        clock: Callable[[], float] = time.perf_counter,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._bounds = bounds
        self._clock = clock
        self._jitter = jitter
        self._limit = float(bounds.ceiling)
        self.in_flight = 0
        self._peak = 0
        self._refused_since_measured = False
        self._probe_is_due = False
        self._alone: dict[Hashable, float] = {}
        self._alone_before: dict[Hashable, float] = {}
        self._probe_ends: float | None = None
        self._epoch_ends = clock() + self._epoch()
        self._begin_window(clock())

    @property
    def limit(self) -> int:
        """How many requests are admitted at once, the reserved ones apart."""
        return _FEW_REQUESTS if self._probe_ends else int(self._limit)

    def admit(self, *, critical: bool = False) -> Admission | None:
        """Count a request as in flight; None where it is refused."""
        now = self._clock()
        if self.in_flight == 0 and now - self._window_began > _LONGEST_WINDOW_SECONDS:
            self._limit = float(self._bounds.ceiling)
            self._begin_window(now)
        if self._probe_ends and now >= self._probe_ends:
            self._probe_ends = None
        if self.in_flight >= self.limit + (self._bounds.reserved if critical else 0):
            self._note_refusal(now)
            return None
        among_few = self.in_flight < _FEW_REQUESTS and self._probe_ends is None
        self.in_flight += 1
        self._peak = max(self._peak, self.in_flight)
        return Admission(now, among_few)

    def _note_refusal(self, now: float) -> None:
        if self._probe_ends:
            return
        self._refused_since_measured = True
        if self._probe_is_due:
            self._probe_is_due = False
            self._probe_ends = now + _PROBE_SECONDS

    def leave(self) -> None:
        """End a request whose time says nothing, as of one that a callee refused."""
        self.in_flight -= 1

    def finish(self, admission: Admission, kind: Hashable) -> None:
        """End a request and take its time into account; None as kind where it timed out."""
        self.in_flight -= 1
        now = self._clock()
        seconds = now - admission.began
        if kind is not None:
            if admission.among_few:
                self._refused_since_measured = False
            alone = min(seconds, self._alone.get(kind, seconds))
            self._alone[kind] = alone
            self._sum_alone += min(alone, self._alone_before.get(kind, alone))
        self._sum_seconds += seconds
        self._samples += 1
        elapsed = now - self._window_began
        if elapsed >= _LONGEST_WINDOW_SECONDS or (
            elapsed >= _WINDOW_SECONDS and self._samples >= _WINDOW_SAMPLES
        ):
            self._adapt(now)

    def _adapt(self, now: float) -> None:
        if self._probe_ends is None:
            allowed = self._sum_alone / self._samples + self._bounds.queueing
            gradient = min(1.0, max(_STEEPEST, allowed * self._samples / self._sum_seconds))
            if gradient == 1.0 or self._peak * 2 >= self._limit:
                following = self._limit * gradient + math.sqrt(self._limit)
                self._limit = min(max(following, self._bounds.floor), self._bounds.ceiling)
        if now >= self._epoch_ends:
            self._alone_before, self._alone = self._alone, {}
            self._epoch_ends = now + self._epoch()
            self._probe_is_due = self._refused_since_measured
            self._refused_since_measured = False
        self._begin_window(now)

    def _begin_window(self, now: float) -> None:
        self._window_began = now
        self._peak = self.in_flight
        self._samples = 0
        self._sum_seconds = 0.0
        self._sum_alone = 0.0

    def _epoch(self) -> float:
        """Spread, so that copies of a service do not probe at the same time."""
        return _EPOCH_SECONDS * (0.9 + 0.2 * self._jitter())
