"""Token buckets that all copies of a service share, and those in memory for an outage of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from shared.kit.errors import TimedOut, Unavailable
from shared.kit.http.client import ServiceClient
from shared.models.auth import ReturnedTokens, TakeTokens, TokenBucket, TokensTaken

log = structlog.get_logger()


_HOUR = 3600  # seconds


def hourly_buckets(
    limit: str,
    address: str,
    network: str,
    *,
    per_address_and_network: int,
    per_address: int,
    per_network: int | None,
) -> list[TokenBucket]:
    """The buckets of what anybody may ask for a mail address, with their tokens an hour.

    One is for the address from a network, so that a stranger elsewhere leaves the owner of an
    address the owner's own; one is for the address; one is for the network, unless `per_network`
    is None. `address` stands for the address, and is not the address itself: it is kept.
    """
    wanted = [
        ("address-network", f"{address} {network}", per_address_and_network),
        ("address", address, per_address),
        ("network", network, per_network),
    ]
    return [
        TokenBucket(limit=f"{limit}-{of}", key=key, capacity=capacity, window_seconds=_HOUR)
        for of, key, capacity in wanted
        if capacity is not None
    ]


@dataclass(slots=True)
class _Level:
    bucket: TokenBucket
    tokens: float
    at: float

    def tokens_at(self, now: float) -> float:
        capacity = self.bucket.capacity
        refilled = (now - self.at) * capacity / self.bucket.window_seconds
        return min(capacity, self.tokens + refilled)

    def wait_at(self, now: float) -> float:
        missing = max(0.0, 1 - self.tokens_at(now))
        return missing * self.bucket.window_seconds / self.bucket.capacity


class LocalTokenBuckets:
    """Token buckets with the rules of `/limits/take` and `/limits/refill`, in this process.

    At most `kept` buckets are kept; the full ones are removed first.
    """

    def __init__(self, *, kept: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept = kept
        self._clock = clock
        self._levels: dict[tuple[str, str], _Level] = {}

    def take(self, *buckets: TokenBucket) -> TokensTaken:
        """Take one token of each bucket, or none of any when one of them is empty."""
        now = self._clock()
        levels = [self._level(bucket, now) for bucket in buckets]
        if any(level.tokens < 1 for level in levels):
            wait = max(level.wait_at(now) for level in levels)
            return TokensTaken(allowed=False, remaining=0, retry_after=wait)
        for level in levels:
            level.tokens -= 1
        return TokensTaken(
            allowed=True,
            remaining=int(min(level.tokens for level in levels)),
            retry_after=max(level.wait_at(now) for level in levels),
        )

    def give_back(self, *buckets: ReturnedTokens) -> None:
        """Give tokens back to buckets; one that is not kept is full already."""
        for returned in buckets:
            name = (returned.limit, returned.key)
            if returned.tokens is None:
                self._levels.pop(name, None)
            elif name in self._levels:
                self._levels[name].tokens += returned.tokens

    def clear(self) -> None:
        """Fill all buckets."""
        self._levels.clear()

    def _level(self, bucket: TokenBucket, now: float) -> _Level:
        name = (bucket.limit, bucket.key)
        level = self._levels.get(name)
        if level is None:
            self._make_room(now)
            level = self._levels[name] = _Level(bucket, bucket.capacity, now)
        level.bucket = bucket
        level.tokens = level.tokens_at(now)
        level.at = now
        return level

    def _make_room(self, now: float) -> None:
        if len(self._levels) < self._kept:
            return
        self._levels = {
            name: level
            for name, level in self._levels.items()
            if level.tokens_at(now) < level.bucket.capacity
        }
        while len(self._levels) >= self._kept:
            del self._levels[next(iter(self._levels))]


class SharedTokenBuckets:
    """Token buckets of the service behind `source`, or of this process while that is out.

    `path` takes tokens; a call may take `timeout` seconds, where one is given.
    """

    def __init__(self, source: ServiceClient, path: str, *, timeout: float | None = None) -> None:
        self._source = source
        self._path = path
        self._timeout = timeout
        self.local = LocalTokenBuckets()

    async def take(self, buckets: Sequence[TokenBucket]) -> TokensTaken:
        """Take one token of each bucket, or none of any when one of them is empty."""
        try:
            return await self._source.post(
                self._path,
                TakeTokens(buckets=list(buckets)),
                response_model=TokensTaken,
                timeout=self._timeout,
            )
        except (Unavailable, TimedOut) as error:
            log.warning("limit_taken_locally", limit=buckets[0].limit, reason=error.code)
            return self.local.take(*buckets)
