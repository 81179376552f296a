"""Responses of repeated requests: held by one, kept for a time, a limited number a user."""

import asyncio
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from settings import Settings
from shared.kit.errors import Conflict
from shared.models.idempotency import (
    AbandonRequest,
    BeginRequest,
    FinishRequest,
    RequestState,
    StoredResponse,
)
from shared.testing.waiting import until
from stores.response_store import ResponseStore
from valkey_client import ValkeyClient

CREATED = StoredResponse(
    status=201, headers={"location": "/a", "content-type": "application/json"}, body='{"é":1}'
)


def beginning(
    command_id: UUID | None = None, *, fingerprint: str = "a" * 64, lease_seconds: int = 60
) -> BeginRequest:
    return BeginRequest(
        command_id=command_id or uuid4(),
        fingerprint=fingerprint,
        token=uuid4(),
        lease_seconds=lease_seconds,
    )


def finishing(begun: BeginRequest, user_id: UUID | None = None) -> FinishRequest:
    return FinishRequest(
        command_id=begun.command_id,
        user_id=user_id or uuid4(),
        token=begun.token,
        response=CREATED,
    )


async def finished(responses: ResponseStore, user_id: UUID) -> UUID:
    begin = beginning()
    await responses.begin(begin)
    await responses.finish(finishing(begin, user_id))
    return begin.command_id


class TestBegin:
    async def test_of_fifty_at_once_one_holds_it(self, responses: ResponseStore) -> None:
        command_id = uuid4()
        states = await asyncio.gather(*(responses.begin(beginning(command_id)) for _ in range(50)))
        assert sorted(it.state for it in states) == ["begun"] + 49 * ["running"]

    async def test_a_hold_ends_with_its_lease(self, responses: ResponseStore, raw: Redis) -> None:
        crashed = beginning(lease_seconds=60)
        await responses.begin(crashed)
        repeat = beginning(crashed.command_id)

        async def begun() -> bool:
            return (await responses.begin(repeat)).state == "begun"

        assert not await begun()
        key = f"idempotency:{crashed.command_id}"
        assert 40 <= await raw.ttl(key) <= 60
        await raw.pexpire(key, 1)
        await until(begun)
        with pytest.raises(Conflict, match="lease_lost"):
            await responses.finish(finishing(crashed))
        await responses.abandon(AbandonRequest(command_id=crashed.command_id, token=crashed.token))
        assert await begun()


class TestFinish:
    async def test_the_response_is_kept_for_a_day(
        self, responses: ResponseStore, raw: Redis
    ) -> None:
        begin = beginning()
        await responses.begin(begin)
        await responses.finish(finishing(begin))
        state = await responses.begin(beginning(begin.command_id))
        assert state == RequestState(state="answered", response=CREATED)
        assert 86_390 < await raw.ttl(f"idempotency:{begin.command_id}") <= 86_400

    async def test_a_user_has_a_limited_number(
        self, valkey: ValkeyClient, settings: Settings, raw: Redis
    ) -> None:
        few = settings.model_copy(update={"idempotency_kept_per_user": 2})
        responses, user_id = ResponseStore(valkey, few), uuid4()
        others = await finished(responses, uuid4())
        first = await finished(responses, user_id)
        a_minute_ago = int((await raw.time())[0]) - 60
        await raw.zadd(f"idempotency-of:{user_id}", {str(first): a_minute_ago})
        kept = [await finished(responses, user_id) for _ in range(2)]
        assert (await responses.begin(beginning(first))).state == "begun"
        for command_id in (*kept, others):
            assert (await responses.begin(beginning(command_id))).state == "answered"

    async def test_expired_ones_do_not_count(self, responses: ResponseStore, raw: Redis) -> None:
        user_id = uuid4()
        await raw.zadd(f"idempotency-of:{user_id}", {str(uuid4()): 1})
        last = await finished(responses, user_id)
        assert await raw.zrange(f"idempotency-of:{user_id}", 0, -1) == [str(last)]


class TestForget:
    async def test_removes_the_responses_of_one_user(
        self, responses: ResponseStore, raw: Redis
    ) -> None:
        user_id, other = uuid4(), uuid4()
        theirs = [await finished(responses, user_id) for _ in range(2)]
        kept = await finished(responses, other)
        for _ in range(2):
            await responses.forget(user_id)
        assert [await raw.exists(f"idempotency:{it}") for it in [*theirs, kept]] == [0, 0, 1]
        assert await raw.exists(f"idempotency-of:{user_id}") == 0
