"""When the relay claims, and for which consumers."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

PATIENT_SECONDS = 0.5
"""A patient consumer is asked for once in this time while its deliveries come more often."""

LONGER_REST_FROM = 4
LONGEST_REST_FACTOR = 2


class ClaimPace:
    """Lets batches gather: the more deliveries come, the fewer claims each of them costs.

    `patient` consumers wait where deliveries come often; one that comes alone is claimed at once.
    """

    def __init__(
        self,
        patient: AbstractSet[str],
        *,
        gather_seconds: float,
        at_once: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patient = patient
        self._gather_seconds = gather_seconds
        self._at_once = at_once
        self._clock = clock
        self._patient_claimed: deque[float] = deque(maxlen=2)

    def patient_left_out(self) -> float:
        """For how many seconds claims leave out the patient consumers; 0 where they do not."""
        if len(self._patient_claimed) < 2:
            return 0
        before, last = self._patient_claimed
        if last - before > 2 * PATIENT_SECONDS:  # they come one by one
            return 0
        left = last + PATIENT_SECONDS - self._clock()
        return left if left > self._gather_seconds else 0

    def rest_after(self, claimed: Mapping[str, int]) -> float:
        """Seconds from the beginning of a claim to that of the next, by what each consumer got.

        A consumer that got all that it may have is asked for again without a rest. What a patient
        one got has gathered already, and makes no rest longer.
        """
        full = {name for name, count in claimed.items() if count >= self._at_once}
        if full & self._patient:
            self._patient_claimed.clear()
        elif claimed.keys() & self._patient:
            self._patient_claimed.append(self._clock())
        if full or not claimed:
            return 0
        most = max(
            (count for name, count in claimed.items() if name not in self._patient), default=0
        )
        return self._gather_seconds * min(max(1, most / LONGER_REST_FROM), LONGEST_REST_FACTOR)
