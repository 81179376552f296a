"""A circuit breaker: calls to a failing service are refused at once for a while."""

import time
from collections import deque
from collections.abc import Callable


class CircuitBreaker:
    """Opens after 5 failures in a row or half of the last 20, and lets one trial call through.

    The first trial comes after 0.5 s, so that a restart of the callee stays a restart; each
    failed one doubles the time to the next, up to 5 s.
    """

    IN_A_ROW = 5
    WINDOW = 20
    FIRST_OPEN_SECONDS = 0.5
    OPEN_SECONDS = 5.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent: deque[bool] = deque(maxlen=self.WINDOW)
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._open_seconds = 0.0
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether calls are refused or only a trial is under way."""
        return self._opened_at is not None

    def seconds_until_trial(self) -> float:
        """Seconds for which every call is refused; 0 where the next one may be made."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self._open_seconds - self._clock())

    def allow(self) -> bool:
        """Whether a call may be made now. While half open, only the first one may."""
        if self._opened_at is None:
            return True
        if self._trying or self.seconds_until_trial() > 0:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """A call was answered."""
        if self._trying:
            self._recent.clear()
        self._opened_at = None
        self._trying = False
        self._in_a_row = 0
        self._recent.append(True)

    def failed(self) -> None:
        """A call was not answered, or with a 5xx other than 500."""
        self._in_a_row += 1
        self._recent.append(False)
        half_failed = (
            len(self._recent) == self.WINDOW and self._recent.count(False) * 2 >= self.WINDOW
        )
        if self._trying:
            self._open(min(2 * self._open_seconds, self.OPEN_SECONDS))
        elif not self.open and (self._in_a_row >= self.IN_A_ROW or half_failed):
            self._open(self.FIRST_OPEN_SECONDS)

    def gave_up(self) -> None:
        """A call ended without an outcome, as when it was cancelled."""
        self._trying = False

    def _open(self, seconds: float) -> None:
        self._opened_at = self._clock()
        self._open_seconds = seconds
        self._trying = False
