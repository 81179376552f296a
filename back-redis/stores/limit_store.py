"""Token buckets, refilled continuously over a window by Valkey's clock."""

from collections.abc import Sequence

from shared.models.auth import ReturnedTokens, TokenBucket, TokensTaken
from valkey_client import Script, ValkeyClient


class LimitStore:
    """Raises Unavailable, from every method, when Valkey can't answer."""

    def __init__(self, valkey: ValkeyClient) -> None:
        self._take: Script[tuple[int, int, str]] = valkey.script("take_tokens")
        self._return: Script[None] = valkey.script("return_tokens")

    async def take(self, buckets: Sequence[TokenBucket]) -> TokensTaken:
        """Take one token of each bucket, or none of any when one of them is empty."""
        sizes = [size for bucket in buckets for size in (bucket.capacity, bucket.window_seconds)]
        allowed, remaining, retry_after = await self._take(_keys(buckets), sizes)
        return TokensTaken(
            allowed=allowed == 1, remaining=remaining, retry_after=float(retry_after)
        )

    async def give_back(self, buckets: Sequence[ReturnedTokens]) -> None:
        """Give tokens back; a bucket never holds more than its capacity."""
        await self._return(_keys(buckets), [bucket.tokens or "" for bucket in buckets])


def _keys(buckets: Sequence[TokenBucket] | Sequence[ReturnedTokens]) -> list[str]:
    # Neither part can hold a line break, so no two pairs share a bucket.
    return [f"limit:{bucket.limit}\n{bucket.key}" for bucket in buckets]
