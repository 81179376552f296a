class Backoff:
    """How long to wait before the next start: doubling, and from the start after a good run."""

    def __init__(self, first: float = 0.5, most: float = 10.0, reset_after: float = 30.0) -> None:
        self._first = first
        self._most = most
        self._reset_after = reset_after
        self._next = first

    def after_a_run_of(self, healthy_seconds: float) -> float:
        """Seconds to wait after a run that was healthy for so long."""
        if healthy_seconds >= self._reset_after:
            self._next = self._first
        wait = self._next
        self._next = min(self._next * 2, self._most)
        return wait
