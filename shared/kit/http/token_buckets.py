"""Token buckets in memory, for when the shared ones can't be reached."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class LocalTokenBuckets:
    """Buckets of `capacity` tokens that refill evenly over `window_seconds`.

    At most `kept` buckets are kept; the full ones are removed first.
    """

    def __init__(
        self,
        capacity: int,
        window_seconds: float,
        *,
        kept: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity
        self._rate = capacity / window_seconds
        self._kept = kept
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str) -> float:
        """Take a token: 0 when there was one, else the seconds until there is one."""
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[key] = _Bucket(self._capacity, now)
        bucket.tokens = self._level(bucket, now)
        bucket.at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._rate
        bucket.tokens -= 1
        return 0.0

    def refill(self, key: str) -> None:
        """Fill the bucket again."""
        self._buckets.pop(key, None)

    def _level(self, bucket: _Bucket, now: float) -> float:
        return min(self._capacity, bucket.tokens + (now - bucket.at) * self._rate)

    def _make_room(self, now: float) -> None:
        if len(self._buckets) < self._kept:
            return
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if self._level(bucket, now) < self._capacity
        }
        while len(self._buckets) >= self._kept:
            del self._buckets[next(iter(self._buckets))]
