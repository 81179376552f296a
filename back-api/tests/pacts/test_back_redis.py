"""What back-api asks back-redis: the limit on registrations, and which sessions have ended."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from features.user_registration.infrastructure import RedisLimit
from shared.kit.auth.revocations import Revocations
from shared.kit.errors import TooManyRequests, Unauthenticated
from shared.models.auth import TakeToken
from shared.testing.pacts import ConsumerPact, exactly, reply, state

SID = UUID("50000000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TAKE = TakeToken(limit="registration", key="192.0.2.1", capacity=20, window_seconds=3600)


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-api", "back-redis")


async def test_a_token_is_there(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a token of a bucket that is full",
        asks="POST /limits/take",
        sends=TAKE,
        answers=reply(200, {"allowed": exactly(True), "remaining": 19, "retry_after": 0.0}),
    ) as redis:
        await RedisLimit(redis, per_hour=20).take("192.0.2.1")


async def test_a_bucket_is_empty(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a token of a bucket that is empty",
        given=[state("a bucket is empty", **TAKE.model_dump())],
        asks="POST /limits/take",
        sends=TAKE,
        answers=reply(200, {"allowed": exactly(False), "remaining": 0, "retry_after": 180.5}),
    ) as redis:
        with pytest.raises(TooManyRequests):
            await RedisLimit(redis, per_hour=20).take("192.0.2.1")


async def test_a_session_was_ended(pact: ConsumerPact) -> None:
    async with pact.stream(
        "revocations: a session was ended",
        {"sid": SID},
        given=[state("a session was ended", sid=SID, user_id=USER)],
    ) as redis:
        await must_refuse(Revocations(redis, "/streams/revocations", stands), SID)


async def test_a_user_was_cut_off(pact: ConsumerPact) -> None:
    async with pact.stream(
        "revocations: a user was cut off",
        {"user_id": USER, "issued_before": NOON},
        given=[state("a user was cut off", user_id=USER)],
    ) as redis:
        await must_refuse(Revocations(redis, "/streams/revocations", stands), UUID(int=1))


async def must_refuse(revocations: Revocations, sid: UUID) -> None:
    """The session is refused as soon as the stream has been heard."""
    following = asyncio.create_task(revocations.follow())
    async with asyncio.timeout(5):
        while not revocations.current:  # noqa: ASYNC110  (it has no event to wait on)
            await asyncio.sleep(0.01)  # noqa: TID251 - polls until a deadline
    with pytest.raises(Unauthenticated):
        await revocations.check(sid, USER, NOON.timestamp() - 1)
    following.cancel()


async def stands(_: UUID) -> bool:
    return True


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
