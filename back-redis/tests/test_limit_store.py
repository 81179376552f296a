"""Token buckets, by Valkey's clock."""

import asyncio

from redis.asyncio import Redis

from shared.models.auth import ReturnedTokens, TokenBucket, TokensTaken
from shared.testing.waiting import until
from stores.limit_store import LimitStore


def bucket(limit: str, key: str, *, capacity: int, window: int = 900) -> TokenBucket:
    return TokenBucket(limit=limit, key=key, capacity=capacity, window_seconds=window)


class TestTake:
    async def test_counts_down_and_then_says_when_to_retry(self, limits: LimitStore) -> None:
        taken = [await limits.take([bucket("logins", "ada", capacity=3)]) for _ in range(4)]
        assert [answer.allowed for answer in taken] == [True, True, True, False]
        assert [answer.remaining for answer in taken] == [2, 1, 0, 0]
        assert taken[0].retry_after == 0
        assert 290 < taken[3].retry_after <= 300

    async def test_of_a_hundred_at_once_exactly_the_capacity_is_let_in(
        self, limits: LimitStore
    ) -> None:
        takes = (limits.take([bucket("logins", "ada", capacity=10)]) for _ in range(100))
        answers = await asyncio.gather(*takes)
        assert sum(answer.allowed for answer in answers) == 10

    async def test_takes_of_all_buckets_or_of_none(self, limits: LimitStore) -> None:
        small, large = bucket("a", "ada", capacity=1), bucket("b", "ada", capacity=3)
        assert (await limits.take([small, large])).remaining == 0
        for _ in range(9):
            refused = await limits.take([large, small])
            assert (refused.allowed, refused.remaining) == (False, 0)
            assert 890 < refused.retry_after <= 900, "the longest wait"
        assert (await limits.take([large])).remaining == 1

    async def test_of_many_at_once_none_counts_where_it_was_refused(
        self, limits: LimitStore
    ) -> None:
        shared = bucket("network", "n", capacity=50)
        takes = (
            limits.take([bucket("account", str(n % 5), capacity=4), shared]) for n in range(100)
        )
        answers = await asyncio.gather(*takes)
        assert sum(answer.allowed for answer in answers) == 20
        assert (await limits.take([shared])).remaining == 50 - 20 - 1

    async def test_refills_continuously(self, limits: LimitStore, raw: Redis) -> None:
        async def take() -> TokensTaken:
            return await limits.take([bucket("calls", "ada", capacity=2, window=800)])

        await take()
        await take()
        refused = await take()
        assert not refused.allowed
        assert 390 < refused.retry_after <= 400, "one token, not the whole bucket"
        (key,) = await raw.keys("limit:*")
        await raw.hincrbyfloat(key, "at", -refused.retry_after / 2)
        assert not (await take()).allowed
        await raw.hincrbyfloat(key, "at", -refused.retry_after / 2)
        assert (await take()).allowed

    async def test_refills_after_the_clock_was_put_back(
        self, limits: LimitStore, raw: Redis
    ) -> None:
        await limits.take([bucket("calls", "ada", capacity=1, window=60)])
        (key,) = await raw.keys("limit:*")
        seconds, _ = await raw.time()
        await raw.hset(key, mapping={"tokens": "0", "at": str(seconds + 3600)})
        one = bucket("calls", "ada", capacity=1000, window=1)
        assert not (await limits.take([one])).allowed

        async def refilled() -> bool:
            return (await limits.take([one])).allowed

        await until(refilled)

    async def test_each_limit_and_key_has_a_bucket_of_its_own(self, limits: LimitStore) -> None:
        assert (await limits.take([bucket("a", "b:c", capacity=1)])).allowed
        assert (await limits.take([bucket("a:b", "c", capacity=1)])).allowed
        assert (await limits.take([bucket("a", "c", capacity=1)])).allowed
        assert not (await limits.take([bucket("a", "b:c", capacity=1)])).allowed

    async def test_a_smaller_capacity_holds_at_once(self, limits: LimitStore) -> None:
        await limits.take([bucket("calls", "ada", capacity=100)])
        answer = await limits.take([bucket("calls", "ada", capacity=2)])
        assert answer.remaining == 1

    async def test_the_key_of_a_full_bucket_expires(self, limits: LimitStore, raw: Redis) -> None:
        await limits.take([bucket("calls", "ada", capacity=100, window=1)])

        async def gone() -> bool:
            return not await raw.keys("limit:*")

        await until(gone)


class TestGiveBack:
    async def test_fills_a_bucket(self, limits: LimitStore) -> None:
        one = bucket("logins", "ada", capacity=3)
        for _ in range(3):
            await limits.take([one])
        await limits.give_back([ReturnedTokens(limit="logins", key="ada")])
        assert (await limits.take([one])).remaining == 2

    async def test_gives_some_tokens_back_but_never_beyond_the_capacity(
        self, limits: LimitStore
    ) -> None:
        first, second = bucket("a", "ada", capacity=3), bucket("b", "ada", capacity=3)
        for _ in range(3):
            await limits.take([first, second])
        await limits.give_back(
            [
                ReturnedTokens(limit="a", key="ada", tokens=1),
                ReturnedTokens(limit="b", key="ada", tokens=9),
            ]
        )
        assert (await limits.take([first])).remaining == 0
        assert (await limits.take([second])).remaining == 2

    async def test_leaves_a_full_bucket_without_a_key(self, limits: LimitStore, raw: Redis) -> None:
        await limits.give_back([ReturnedTokens(limit="a", key="ada", tokens=1)])
        assert await raw.keys("limit:*") == []
