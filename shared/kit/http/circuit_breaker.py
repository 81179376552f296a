"""A circuit breaker: calls to a failing service are refused at once for a while."""

import time
from collections import deque
from collections.abc import Callable


class CircuitBreaker:
    """Opens after 5 failures in a row or half of the last 20; lets one trial through after 0.5 s.

    So short a pause keeps a restart of the callee a restart, and two calls a second are no load.
    """

    IN_A_ROW = 5
    WINDOW = 20
    OPEN_SECONDS = 0.5

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent: deque[bool] = deque(maxlen=self.WINDOW)
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether calls failed and none was answered since."""
        return self._opened_at is not None

    @property
    def refuses(self) -> bool:
        """Whether a call made now would be refused."""
        if self._opened_at is None:
            return False
        return self._trying or self._clock() < self._opened_at + self.OPEN_SECONDS

    def allow(self) -> bool:
        """Whether a call may be made now. While half open, only the first one may: the trial."""
        if self.refuses:
            return False
        self._trying = self.open
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
        too_many = self._in_a_row >= self.IN_A_ROW or half_failed
        if self._trying or (too_many and not self.open):
            self._opened_at = self._clock()
            self._trying = False

    def gave_up(self) -> None:
        """A call ended without an outcome, as when it was cancelled."""
        self._trying = False
