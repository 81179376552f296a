"""Token buckets, by Valkey's clock."""

import asyncio

from redis.asyncio import Redis

from shared.models.auth import TokenTaken
from shared.testing.waiting import until
from stores.limit_store import LimitStore


class TestTake:
    async def test_counts_down_and_then_says_when_to_retry(self, limits: LimitStore) -> None:
        taken = [await limits.take("logins", "ada", capacity=3, window=900) for _ in range(4)]
        assert [answer.allowed for answer in taken] == [True, True, True, False]
        assert [answer.remaining for answer in taken] == [2, 1, 0, 0]
        assert taken[0].retry_after == 0
        assert 299 < taken[3].retry_after <= 300

    async def test_of_a_hundred_at_once_exactly_the_capacity_is_let_in(
        self, limits: LimitStore
    ) -> None:
        takes = (limits.take("logins", "ada", capacity=10, window=900) for _ in range(100))
        answers = await asyncio.gather(*takes)
        assert sum(answer.allowed for answer in answers) == 10

    async def test_refills_continuously(self, limits: LimitStore) -> None:
        async def take() -> TokenTaken:
            return await limits.take("calls", "ada", capacity=2, window=2)

        await take()
        await take()
        refused = await take()
        assert not refused.allowed
        assert refused.retry_after <= 1, "the seconds of one token, not of the whole bucket"
        await asyncio.sleep(refused.retry_after)  # noqa: TID251 - the bucket refills
        assert (await take()).allowed

    async def test_each_limit_and_key_has_a_bucket_of_its_own(self, limits: LimitStore) -> None:
        assert (await limits.take("a", "b:c", capacity=1, window=900)).allowed
        assert (await limits.take("a:b", "c", capacity=1, window=900)).allowed
        assert (await limits.take("a", "c", capacity=1, window=900)).allowed
        assert not (await limits.take("a", "b:c", capacity=1, window=900)).allowed

    async def test_a_smaller_capacity_holds_at_once(self, limits: LimitStore) -> None:
        await limits.take("calls", "ada", capacity=100, window=900)
        answer = await limits.take("calls", "ada", capacity=2, window=900)
        assert answer.remaining == 1

    async def test_the_key_of_a_full_bucket_expires(self, limits: LimitStore, raw: Redis) -> None:
        await limits.take("calls", "ada", capacity=100, window=1)

        async def gone() -> bool:
            return not await raw.keys("limit:*")

        await until(gone)


class TestRefill:
    async def test_fills_the_bucket(self, limits: LimitStore) -> None:
        await limits.take("logins", "ada", capacity=1, window=900)
        await limits.refill("logins", "ada")
        assert (await limits.take("logins", "ada", capacity=1, window=900)).allowed
