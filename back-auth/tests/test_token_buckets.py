"""Token buckets while back-redis hangs."""

from contextlib import AbstractAsyncContextManager

from features.email_auth.infrastructure import RedisTokenBuckets
from shared.kit.http.transport import Reply, Request, StreamedReply
from shared.models.auth import ReturnedTokens, TokenBucket
from shared.testing.identities import Identities

LONGEST = 5.0  # seconds that a login may take while a service hangs; its session waits 2 of them


class HangingService:
    """A transport on which no call is answered in its time, and `waited` the sum of those."""

    waited = 0.0

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, request: Request, timeout: float) -> Reply:
        self.waited += timeout
        raise TimeoutError

    def stream(
        self, request: Request, *, silence: float
    ) -> AbstractAsyncContextManager[StreamedReply]:
        raise NotImplementedError


async def test_leave_a_login_time_for_its_session(keys: Identities) -> None:
    redis = HangingService()
    buckets = RedisTokenBuckets(keys.client("back-auth", "back-redis", redis))
    bucket = TokenBucket(limit="login", key="k", capacity=1, window_seconds=60)

    assert (await buckets.take([bucket])).allowed
    await buckets.give_back([ReturnedTokens(limit="login", key="k")])

    assert redis.waited + 2 < LONGEST
