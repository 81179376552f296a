"""What back-websockets relies on in back-redis: the one contract of the fake and the real one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.kit import ServiceClient
from shared.kit.errors import NotFound
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.auth import (
    NewTicket,
    RedeemTicket,
    Revocation,
    RevokeSession,
    Session,
    TicketHolder,
)
from shared.models.base import now
from shared.models.event import EventEnvelope
from shared.models.live import LiveEvent, LiveEvents, LivePublished, PublishLive, position_id
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import make_identities
from shared.testing.sessions import hashed, new_session
from shared.testing.stack_client import stack_client
from tests.fake_back_redis import FakeBackRedis


@dataclass(frozen=True)
class World:
    """back-redis as back-websockets calls it, and what others put into it."""

    redis: ServiceClient
    ticket: Callable[[UUID, UUID], Awaitable[str]]
    publish: Callable[[UUID], Awaitable[EventEnvelope]]
    revoke: Callable[[UUID], Awaitable[None]]

    async def redeem(self, ticket: str) -> TicketHolder:
        spent = RedeemTicket(ticket_hash=hashed(ticket))
        return await self.redis.post("/tickets/redeem", spent, response_model=TicketHolder)

    async def since(self, user_id: UUID, event_id: UUID) -> LiveEvents:
        path = f"/users/{user_id}/live-events"
        return await self.redis.get(path, params={"since": event_id}, response_model=LiveEvents)


def world_of_fake(fake: FakeBackRedis, folder: Path) -> World:
    async def ticket(user_id: UUID, sid: UUID) -> str:
        return fake.ticket(user_id, sid)

    async def revoke(sid: UUID) -> None:
        await fake.revoke(Revocation(sid=sid))

    keys = make_identities(folder, "back-websockets")
    client = keys.client("back-websockets", "back-redis", AsgiTransport(fake.app()))
    return World(client, ticket, fake.publish, revoke)


async def real_world(stack: AsyncExitStack) -> World:
    enter = stack.enter_async_context
    auth = await enter(stack_client("back-auth", "back-redis"))
    workers = await enter(stack_client("back-workers", "back-redis"))

    async def ticket(user_id: UUID, sid: UUID) -> str:
        session = new_session(user_id, sid=sid, expires_in=3600)
        await auth.post("/sessions", session, response_model=Session)
        made = uuid4().hex
        new = NewTicket(
            ticket_hash=hashed(made), user_id=user_id, sid=sid, generation=1, expires_in=30
        )
        await auth.post("/tickets", new, response_model=None)
        return made

    async def publish(user_id: UUID) -> EventEnvelope:
        envelope = EventEnvelope(
            event_id=uuid4(),
            event_type="profile.created",
            occurred_at=now(),
            correlation_id="a-test-of-contracts",
            payload={"user_id": str(user_id)},
        )
        new = PublishLive(user_id=user_id, envelope=envelope)
        await workers.post("/live/events", new, response_model=LivePublished)
        return envelope

    async def revoke(sid: UUID) -> None:
        await auth.post(f"/sessions/{sid}/revoke", RevokeSession(), response_model=None)

    redis = await enter(stack_client("back-websockets", "back-redis"))
    return World(redis, ticket, publish, revoke)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
async def world(
    request: pytest.FixtureRequest, redis: FakeBackRedis, tmp_path: Path
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        fake = request.param == "fake"
        yield world_of_fake(redis, tmp_path) if fake else await real_world(stack)


async def until_event(events: AsyncIterator[ServerSentEvent], kind: str) -> list[ServerSentEvent]:
    """What comes up to the first event of this kind, heartbeats aside."""
    received: list[ServerSentEvent] = []
    async with asyncio.timeout(20):
        async for event in events:
            received += [event] if event.event in {"entry", "gap", kind} else []
            if event.event == kind:
                return received
    raise AssertionError("the stream ended")


def envelope_in(event: ServerSentEvent) -> EventEnvelope:
    return LiveEvent.model_validate_json(event.data).envelope


@pytest.mark.contract(consumer="back-websockets", provider="back-redis")
class TestTickets:
    async def test_are_redeemed_once(self, world: World) -> None:
        user_id, sid = uuid4(), uuid4()
        ticket = await world.ticket(user_id, sid)
        holder = await world.redeem(ticket)
        assert (holder.user_id, holder.sid, holder.generation) == (user_id, sid, 1)
        assert holder.session_expires_at
        left = holder.session_expires_at - now()
        assert abs(left - timedelta(hours=1)) < timedelta(minutes=1)
        with pytest.raises(NotFound) as raised:
            await world.redeem(ticket)
        assert raised.value.code == "ticket_not_found"


@pytest.mark.contract(consumer="back-websockets", provider="back-redis")
class TestLiveEvents:
    async def test_since_one_that_is_kept_come_those_after_it(self, world: World) -> None:
        user_id = uuid4()
        seen, *missed = [await world.publish(user_id) for _ in range(3)]
        await world.publish(uuid4())
        found = await world.since(user_id, seen.event_id)
        assert (found.items, found.complete) == (missed, True)

    async def test_reach_as_far_as_they_say(self, world: World) -> None:
        user_id = uuid4()
        async with aclosing(world.redis.events("/streams/live")) as events:
            await until_event(events, "caught-up")
            seen = await world.publish(user_id)
            last = await world.publish(user_id)
            *_, entry = [await until_event(events, "entry") for _ in range(2)]
            found = await world.since(user_id, seen.event_id)
        assert envelope_in(entry[0]) == last
        assert found.items == [last]
        assert found.position == entry[0].id

    async def test_since_a_position_come_those_after_it(self, world: World) -> None:
        user_id = uuid4()
        before = await world.publish(user_id)
        here = (await world.since(user_id, before.event_id)).position
        assert here
        missed = [await world.publish(user_id) for _ in range(2)]
        found = await world.since(user_id, position_id(here))
        assert (found.items, found.complete) == (missed, True)

    async def test_since_one_that_has_gone_come_all(self, world: World) -> None:
        user_id = uuid4()
        kept = [await world.publish(user_id) for _ in range(2)]
        for gone in (uuid4(), position_id("1-1")):
            found = await world.since(user_id, gone)
            assert (found.items, found.complete) == (kept, False)


@pytest.mark.contract(consumer="back-websockets", provider="back-redis")
class TestStreams:
    async def test_a_newcomer_to_live_gets_what_comes(self, world: World) -> None:
        await world.publish(uuid4())
        async with aclosing(world.redis.events("/streams/live")) as events:
            assert [event.event for event in await until_event(events, "caught-up")] == [
                "caught-up"
            ]
            published = await world.publish(uuid4())
            [entry] = await until_event(events, "entry")
        assert envelope_in(entry) == published

    async def test_live_resumes_after_the_last_that_was_seen(self, world: World) -> None:
        async with aclosing(world.redis.events("/streams/live")) as events:
            await until_event(events, "caught-up")
            await world.publish(uuid4())
            [seen] = await until_event(events, "entry")
        missed = [await world.publish(uuid4()) for _ in range(2)]
        async with aclosing(world.redis.events("/streams/live", since=seen.id)) as events:
            *entries, caught_up = await until_event(events, "caught-up")
        assert [envelope_in(entry) for entry in entries] == missed
        assert caught_up.id == entries[-1].id

    async def test_beat_while_nothing_happens(self, world: World) -> None:
        async with aclosing(world.redis.events("/streams/live")) as events:
            await until_event(events, "caught-up")
            [beat] = await until_event(events, "heartbeat")
        assert beat.id is None

    async def test_a_newcomer_to_revocations_gets_all_that_are_kept(self, world: World) -> None:
        sid = uuid4()
        await world.revoke(sid)
        async with aclosing(world.redis.events("/streams/revocations")) as events:
            *kept, _ = await until_event(events, "caught-up")
        assert Revocation(sid=sid) in [
            Revocation.model_validate_json(entry.data) for entry in kept if entry.event == "entry"
        ]
