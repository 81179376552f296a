"""A clock that a test sets."""

import time


class Clock:
    """Takes the place of the module `time` in the module under test; starts now or at `now`.

    The event loop keeps its own time, so that deadlines of a test still run.
    """

    def __init__(self, now: float | None = None) -> None:
        self.now = time.time() if now is None else now
        self.put_forward = 0.0
        """Seconds by which the time of day differs from what passed, as after a jump."""

    def time(self) -> float:
        return self.now + self.put_forward

    def monotonic(self) -> float:
        return self.now
