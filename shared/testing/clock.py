"""A clock that a test sets."""

import time


class Clock:
    """Takes the place of the module `time` in the module under test; starts at the real time.

    The event loop keeps its own time, so that deadlines of a test still run.
    """

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now
