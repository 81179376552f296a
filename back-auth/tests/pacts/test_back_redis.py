"""What back-auth asks back-redis: sessions, tickets, failed logins, and what was revoked."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from features.email_auth.infrastructure import LIMIT, RedisAttemptLimit
from features.live_notifications.infrastructure import RedisTickets
from features.sessions.infrastructure import RedisSessions
from services.secret_service import secret_hash
from shared.kit import ServiceClient
from shared.kit.auth.revocations import Revocations
from shared.kit.errors import Conflict, NotFound, Unauthenticated
from shared.models.auth import NewSession, NewTicket, RefillBucket, RotateSession, TakeToken
from shared.testing.pacts import ConsumerPact, exactly, refusal, reply, state
from shared.testing.pacts.matching import State
from shared.testing.waiting import until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EMAIL = "ada@example.org"
FIRST, SECOND, THIRD = "1a" * 32, "2b" * 32, "3c" * 32
SID = UUID("50000000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")
WEEK = 604_800

TAKE = TakeToken(limit=LIMIT, key=secret_hash(EMAIL), capacity=10, window_seconds=900)


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-auth", "back-redis")


def a_session(*spent: str) -> State:
    """A session whose refresh token is FIRST, or follows the ones that were spent."""
    return state("a session stands", sid=SID, user_id=USER, refresh_hash=FIRST, rotated_to=spent)


def read_session(*, active: bool = True) -> dict[str, object]:
    return {"sid": exactly(SID), "user_id": exactly(USER), "active": exactly(active)}


class TestSessions:
    async def test_open(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a session to open",
            asks="POST /sessions",
            sends=NewSession(sid=SID, user_id=USER, refresh_hash=FIRST, expires_in=WEEK),
            answers=reply(201, read_session()),
        ) as redis:
            await RedisSessions(redis).open(SID, USER, FIRST, expires_in=WEEK)

    async def test_one_that_stands(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a session that stands",
            given=[a_session()],
            asks=f"GET /sessions/{SID}",
            answers=reply(200, read_session()),
        ) as redis:
            assert (await RedisSessions(redis).get(SID)).active

    async def test_an_unknown_one(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a session that nobody opened",
            asks=f"GET /sessions/{SID}",
            answers=reply(200, read_session(active=False) | {"user_id": None}),
        ) as redis:
            assert not (await RedisSessions(redis).get(SID)).active

    async def test_revoke(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a session to end",
            given=[a_session()],
            asks=f"POST /sessions/{SID}/revoke",
            answers=reply(204),
        ) as redis:
            await RedisSessions(redis).revoke(SID)


class TestRotation:
    TRADE = RotateSession(presented_hash=FIRST, next_hash=THIRD, expires_in=WEEK)

    async def test_rotate(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a refresh token to trade",
            given=[a_session()],
            asks=f"POST /sessions/{SID}/rotate",
            sends=self.TRADE,
            answers=reply(200, read_session()),
        ) as redis:
            rotated = await RedisSessions(redis).rotate(SID, FIRST, THIRD, expires_in=WEEK)
        assert rotated.user_id == USER

    async def test_a_spent_token(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a refresh token to trade that was spent",
            given=[a_session(SECOND)],
            asks=f"POST /sessions/{SID}/rotate",
            sends=self.TRADE,
            answers=refusal(409, "refresh_reused"),
        ) as redis:
            with pytest.raises(Conflict, match="refresh_reused"):
                await RedisSessions(redis).rotate(SID, FIRST, THIRD, expires_in=WEEK)

    async def test_an_unknown_session(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a refresh token to trade of a session that nobody opened",
            asks=f"POST /sessions/{SID}/rotate",
            sends=self.TRADE,
            answers=refusal(404, "session_not_found"),
        ) as redis:
            with pytest.raises(NotFound, match="session_not_found"):
                await RedisSessions(redis).rotate(SID, FIRST, THIRD, expires_in=WEEK)


class TestAttempts:
    async def test_allowed(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a first attempt to log in",
            asks="POST /limits/take",
            sends=TAKE,
            answers=reply(200, {"allowed": exactly(True), "remaining": 9, "retry_after": 0.0}),
        ) as redis:
            assert (await self.limit(redis).take(EMAIL)).allowed

    async def test_refused(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "one attempt too many to log in",
            given=[state("a bucket is empty", **TAKE.model_dump())],
            asks="POST /limits/take",
            sends=TAKE,
            answers=reply(200, {"allowed": exactly(False), "remaining": 0, "retry_after": 89.5}),
        ) as redis:
            assert (await self.limit(redis).take(EMAIL)).retry_after == 89.5

    async def test_refill(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "attempts to forget after a login",
            given=[state("a bucket is empty", **TAKE.model_dump())],
            asks="POST /limits/refill",
            sends=RefillBucket(limit=LIMIT, key=TAKE.key),
            answers=reply(204),
        ) as redis:
            await self.limit(redis).refill(EMAIL)

    def limit(self, redis: ServiceClient) -> RedisAttemptLimit:
        return RedisAttemptLimit(redis, capacity=10, window_seconds=900)


async def test_keep_a_ticket(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a socket ticket to keep",
        asks="POST /tickets",
        sends=NewTicket(ticket_hash=FIRST, user_id=USER, sid=SID, expires_in=30),
        answers=reply(204),
    ) as redis:
        await RedisTickets(redis).keep(FIRST, USER, SID, expires_in=30)


class TestRevocations:
    async def test_a_session(self, pact: ConsumerPact) -> None:
        async with pact.stream(
            "revocations: a session was ended",
            {"sid": SID},
            given=[state("a session was ended", sid=SID, user_id=USER)],
        ) as redis:
            await self.must_refuse(redis, SID)

    async def test_a_user(self, pact: ConsumerPact) -> None:
        async with pact.stream(
            "revocations: a user was cut off",
            {"user_id": USER, "issued_before": NOON},
            given=[state("a user was cut off", user_id=USER)],
        ) as redis:
            await self.must_refuse(redis, UUID(int=1))

    async def must_refuse(self, redis: ServiceClient, sid: UUID) -> None:
        async def stands(_: UUID) -> bool:
            return True

        revocations = Revocations(redis, "/streams/revocations", stands)
        following = asyncio.create_task(revocations.follow())
        await until(lambda: revocations.current)
        with pytest.raises(Unauthenticated):
            await revocations.check(sid, USER, NOON.timestamp() - 1)
        following.cancel()


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
