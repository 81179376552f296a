"""What back-websockets asks back-redis: whose ticket it is, missed events, and two streams."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from handshake_authentication import HandshakeAuthentication
from hub import Hub
from live_subscription import LiveSubscription
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.auth.revocations import Revocations
from shared.kit.errors import Forbidden, Unauthenticated
from shared.models.auth import RedeemTicket, TicketHolder
from shared.testing.pacts import ConsumerPact, exactly, refusal, reply, state
from shared.testing.waiting import until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EARLIER = UUID("e0000000-0000-4000-8000-000000000001")
LATER = UUID("e0000000-0000-4000-8000-000000000002")
SID = UUID("50000000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")
TICKET_HASH = hashlib.sha256(b"ticket").hexdigest()

ENVELOPE = {
    "event_id": exactly(LATER),
    "event_type": "profile.created",
    "version": 1,
    "occurred_at": NOON,
    "correlation_id": "correlation-1",
    "payload": {"user_id": USER},
}


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-websockets", "back-redis")


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(Settings(secrets_dir=tmp_path, public_keys_dir=tmp_path))


async def stands(_: UUID) -> bool:
    return True


class TestTickets:
    async def test_redeem(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a ticket to redeem",
            given=[state("a ticket is kept", ticket_hash=TICKET_HASH, user_id=USER, sid=SID)],
            asks="POST /tickets/redeem",
            sends=RedeemTicket(ticket_hash=TICKET_HASH),
            answers=reply(200, {"user_id": exactly(USER), "sid": exactly(SID)}),
        ) as redis:
            assert (await self.authentication(redis).redeem("ticket")).user_id == USER

    async def test_redeem_an_unknown_one(self, pact: ConsumerPact) -> None:
        async with pact.exchange(
            "a ticket to redeem that was never issued",
            asks="POST /tickets/redeem",
            sends=RedeemTicket(ticket_hash=TICKET_HASH),
            answers=refusal(404, "ticket_not_found"),
        ) as redis:
            with pytest.raises(Forbidden, match="ticket_invalid"):
                await self.authentication(redis).redeem("ticket")

    def authentication(self, redis: ServiceClient) -> HandshakeAuthentication:
        return HandshakeAuthentication(
            redis, Revocations(redis, "/streams/revocations", stands), stands, ticket_seconds=30
        )


class TestMissedEvents:
    async def test_all_are_kept(self, pact: ConsumerPact, hub: Hub) -> None:
        async with pact.exchange(
            "the events of a user since one that is kept",
            given=[
                state("a live event was published", user_id=USER, event_id=EARLIER),
                state("a live event was published", user_id=USER, event_id=LATER),
            ],
            asks=f"GET /users/{USER}/live-events",
            query={"since": EARLIER},
            answers=reply(200, {"items": [ENVELOPE], "complete": exactly(True)}),
        ) as redis:
            (missed,) = await LiveSubscription(redis, hub).missed(USER, EARLIER)
        assert missed.event_id == LATER

    async def test_some_may_be_missing(self, pact: ConsumerPact, hub: Hub) -> None:
        async with pact.exchange(
            "the events of a user since one that has left the stream",
            asks=f"GET /users/{USER}/live-events",
            query={"since": EARLIER},
            answers=reply(200, {"items": [], "complete": exactly(False)}),
        ) as redis:
            assert len(await LiveSubscription(redis, hub).missed(USER, EARLIER)) == 1


class TestStreams:
    async def test_a_live_event(self, pact: ConsumerPact, hub: Hub) -> None:
        async with pact.stream(
            "live",
            {"user_id": exactly(USER), "envelope": ENVELOPE},
            given=[state("a live event was published", user_id=USER, event_id=LATER)],
        ) as redis:
            with hub.joined(TicketHolder(user_id=USER, sid=SID)) as socket:
                following = asyncio.create_task(LiveSubscription(redis, hub).follow())
                async with asyncio.timeout(5):
                    message = await socket._waiting.get()
                following.cancel()
        assert message.event_id == LATER

    async def test_a_session_was_ended(self, pact: ConsumerPact) -> None:
        async with pact.stream(
            "revocations: a session was ended",
            {"sid": SID},
            given=[state("a session was ended", sid=SID, user_id=USER)],
        ) as redis:
            await self.must_refuse(redis, SID)

    async def test_a_user_was_cut_off(self, pact: ConsumerPact) -> None:
        async with pact.stream(
            "revocations: a user was cut off",
            {"user_id": USER, "issued_before": NOON},
            given=[state("a user was cut off", user_id=USER)],
        ) as redis:
            await self.must_refuse(redis, UUID(int=1))

    async def must_refuse(self, redis: ServiceClient, sid: UUID) -> None:
        revocations = Revocations(redis, "/streams/revocations", stands)

        async def received() -> bool:
            return revocations.current

        following = asyncio.create_task(revocations.follow())
        await until(received)
        with pytest.raises(Unauthenticated):
            await revocations.check(sid, USER, NOON.timestamp() - 1)
        following.cancel()


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
