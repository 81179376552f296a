"""Token buckets, refilled continuously over a window by Valkey's clock."""

from shared.models.auth import TokenTaken
from valkey_client import Script, ValkeyClient


class LimitStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient) -> None:
        self._valkey = valkey
        self._take: Script[tuple[int, int, str]] = valkey.script("take_token")

    async def take(self, limit: str, key: str, *, capacity: int, window: int) -> TokenTaken:
        """Take a token; `window` is the seconds in which an empty bucket fills."""
        allowed, remaining, retry_after = await self._take(
            [_bucket(limit, key)], [capacity, window]
        )
        return TokenTaken(allowed=allowed == 1, remaining=remaining, retry_after=float(retry_after))

    async def refill(self, limit: str, key: str) -> None:
        await self._valkey.delete(_bucket(limit, key))


def _bucket(limit: str, key: str) -> str:
    # Neither part can hold a line break, so no two pairs share a bucket.
    return f"limit:{limit}\n{key}"
