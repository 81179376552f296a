"""A circuit breaker: calls to a failing service are refused at once for a while."""

import time
from collections import deque
from collections.abc import Callable


class CircuitBreaker:
    """Opens after 5 failures in a row or half of the last 20; lets one probe through after 5 s."""

    IN_A_ROW = 5
    WINDOW = 20
    OPEN_SECONDS = 5.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent: deque[bool] = deque(maxlen=self.WINDOW)
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are refused or only a probe is under way."""
        return self._opened_at is not None

    def seconds_until_probe(self) -> float:
        """Seconds that a caller should wait; 0 while the breaker is closed."""
        if self._opened_at is None:
            return 0.0
        return max(0.0, self._opened_at + self.OPEN_SECONDS - self._clock())

    def allow(self) -> bool:
        """Whether a call may be made now. While half open, only the first one may."""
        if self._opened_at is None:
            return True
        if self._probing or self.seconds_until_probe() > 0:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """A call was answered."""
        if self._probing:
            self._recent.clear()
        self._opened_at = None
        self._probing = False
        self._in_a_row = 0
        self._recent.append(True)

    def failed(self) -> None:
        """A call was not answered, or with a 5xx other than 500."""
        self._in_a_row += 1
        self._recent.append(False)
        half_failed = (
            len(self._recent) == self.WINDOW and self._recent.count(False) * 2 >= self.WINDOW
        )
        if self._probing or self._in_a_row >= self.IN_A_ROW or half_failed:
            self._opened_at = self._clock()
            self._probing = False

    def gave_up(self) -> None:
        """A call ended without an outcome, as when it was cancelled."""
        self._probing = False
