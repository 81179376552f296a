"""Streams: missed entries, caught-up, then new entries, for every subscriber."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from statistics import median
from uuid import uuid4

import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from pubsub import PubSub
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.errors import Unavailable
from shared.kit.http.server_sent_events import ServerSentEvent
from shared.models.auth import Revocation, RevokeGenerations
from shared.models.live import LiveEvent
from shared.testing.asgi_client import AsgiClient
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.waiting import until
from stores.live_store import LIVE, LiveStore
from stores.session_store import REVOCATIONS, SessionStore
from tests.stream_entries import stream_entries
from tests.test_live_store import publish
from valkey_client import ValkeyClient

Events = AsyncIterator[ServerSentEvent]


async def next_but_heartbeats(events: Events) -> ServerSentEvent:
    async with asyncio.timeout(20):
        while (event := await anext(events)).event == "heartbeat":
            pass
        return event


async def several(events: Events, count: int) -> list[ServerSentEvent]:
    return [await next_but_heartbeats(events) for _ in range(count)]


def numbers(events: list[ServerSentEvent]) -> list[object]:
    assert {event.event for event in events} <= {"entry"}
    return [
        LiveEvent.model_validate_json(event.data).envelope.payload["number"] for event in events
    ]


@pytest.fixture
async def subscriber(app: FastAPI, client: AsgiClient, keys: Identities) -> ServiceClient:
    """The client of back-websockets, on an app that follows the streams."""

    async def ready() -> bool:
        return (await client.get("/health/ready")).status == 200

    await until(ready)
    return keys.client("back-websockets", "back-redis", AsgiTransport(app))


class TestWithoutLastId:
    async def test_live_begins_with_the_next_entry(
        self, subscriber: ServiceClient, live: LiveStore
    ) -> None:
        await publish(live, uuid4(), 2)
        async with aclosing(subscriber.events("/streams/live")) as events:
            caught_up = await anext(events)
            assert (caught_up.event, caught_up.data) == ("caught-up", "{}")
            await publish(live, uuid4(), 3)
            assert numbers(await several(events, 3)) == [0, 1, 2]

    async def test_revocations_begin_with_the_oldest_kept_entry(
        self, subscriber: ServiceClient, sessions: SessionStore
    ) -> None:
        sid, user_id = uuid4(), uuid4()
        await sessions.revoke(sid)
        await sessions.revoke_generations(RevokeGenerations(user_id=user_id, session_generation=2))
        async with aclosing(subscriber.events("/streams/revocations")) as events:
            told = await several(events, 3)
        assert [event.event for event in told] == ["entry", "entry", "caught-up"]
        first, second = (Revocation.model_validate_json(event.data) for event in told[:2])
        assert first == Revocation(sid=sid)
        assert second == Revocation(user_id=user_id, generation=2)
        assert told[2].id == told[1].id

    async def test_an_empty_stream_is_caught_up_at_its_beginning(
        self, subscriber: ServiceClient, live: LiveStore
    ) -> None:
        async with aclosing(subscriber.events("/streams/live")) as events:
            assert (await anext(events)).id == "0-0"
        await publish(live, uuid4(), 2)
        async with aclosing(subscriber.events("/streams/live", since="0-0")) as events:
            assert numbers(await several(events, 2)) == [0, 1]


class TestResume:
    async def test_from_any_entry_nothing_is_lost_or_repeated(
        self, subscriber: ServiceClient, live: LiveStore, raw: Redis
    ) -> None:
        await publish(live, uuid4(), 1200)
        ids = [id for id, _ in await stream_entries(raw, LIVE)]
        async with aclosing(subscriber.events("/streams/live", since=ids[99])) as events:
            told = await several(events, 1101)
        assert numbers(told[:-1]) == list(range(100, 1200))
        assert (told[-1].event, told[-1].id) == ("caught-up", ids[-1])

    async def test_while_events_are_being_published(
        self, subscriber: ServiceClient, live: LiveStore
    ) -> None:
        await publish(live, uuid4(), 1)
        told: list[ServerSentEvent] = []
        since = "0-0"
        async with asyncio.timeout(50), asyncio.TaskGroup() as group:
            group.create_task(publish(live, uuid4(), 500))
            while len(told) < 501:
                async with aclosing(subscriber.events("/streams/live", since=since)) as events:
                    for _ in range(60):
                        event = await next_but_heartbeats(events)
                        since = event.id or since
                        told += [event] if event.event == "entry" else []
                        if len(told) == 501:
                            break
        assert numbers(told) == [0, *range(500)]

    async def test_after_an_entry_that_is_not_kept_a_gap_comes_first(
        self, subscriber: ServiceClient, live: LiveStore, raw: Redis
    ) -> None:
        await publish(live, uuid4(), 4)
        ids = [id for id, _ in await stream_entries(raw, LIVE)]
        await raw.xtrim(LIVE, maxlen=2, approximate=False)
        async with aclosing(subscriber.events("/streams/live", since=ids[0])) as events:
            told = await several(events, 4)
        assert [event.event for event in told] == ["gap", "entry", "entry", "caught-up"]
        assert numbers(told[1:3]) == [2, 3]

    async def test_after_the_store_lost_the_stream_a_gap_comes_first(
        self, subscriber: ServiceClient, sessions: SessionStore, raw: Redis
    ) -> None:
        await sessions.revoke(uuid4())
        [(lost, _)] = await stream_entries(raw, REVOCATIONS)
        await raw.delete(REVOCATIONS)
        async with aclosing(subscriber.events("/streams/revocations", since=lost)) as events:
            told = await several(events, 2)
        assert [event.event for event in told] == ["gap", "caught-up"]


class TestFanOut:
    async def test_every_subscriber_gets_every_entry_over_one_read(
        self, subscriber: ServiceClient, live: LiveStore, raw: Redis
    ) -> None:
        caught_up = asyncio.Barrier(21)

        async def listen() -> list[object]:
            async with aclosing(subscriber.events("/streams/live")) as events:
                await anext(events)
                await caught_up.wait()
                return numbers(await several(events, 50))

        # A group: were one of them refused, the others would wait for it for ever.
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            listening = [group.create_task(listen()) for _ in range(20)]
            await caught_up.wait()
            await publish(live, uuid4(), 50)
        assert [task.result() for task in listening] == [list(range(50))] * 20
        blocked = [one for one in await raw.client_list() if one["cmd"] == "xread"]
        assert len(blocked) <= 1

    async def test_a_lagging_subscriber_is_disconnected_and_no_other(
        self, valkey: ValkeyClient, settings: Settings, live: LiveStore
    ) -> None:
        tight = settings.model_copy(update={"subscriber_queue": 10})
        pubsub = PubSub(valkey, tight, asyncio.Event())
        following = asyncio.create_task(pubsub.follow())
        try:
            await until(lambda: _following(pubsub))
            slow = await pubsub.subscribe("live", None)
            quick = await pubsub.subscribe("live", None)
            assert (await anext(slow)).event == (await anext(quick)).event == "caught-up"
            told: list[ServerSentEvent] = []
            for _ in range(20):
                await publish(live, uuid4(), 1)
                told.append(await next_but_heartbeats(quick))
            assert [event.event for event in told] == ["entry"] * 20
            async with asyncio.timeout(20):
                assert [event async for event in slow] == []
            await quick.aclose()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def test_a_subscriber_who_disconnects_is_removed(
        self, valkey: ValkeyClient, settings: Settings
    ) -> None:
        pubsub = PubSub(valkey, settings, asyncio.Event())
        following = asyncio.create_task(pubsub.follow())
        try:
            await until(lambda: _following(pubsub))
            events = await pubsub.subscribe("live", None)
            await anext(events)
            assert len(pubsub._subscribers[LIVE]) == 1
            await events.aclose()
            assert len(pubsub._subscribers[LIVE]) == 0
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


class TestHeartbeat:
    async def test_comes_every_half_second(self, subscriber: ServiceClient) -> None:
        loop = asyncio.get_running_loop()
        async with aclosing(subscriber.events("/streams/live")) as events:
            await anext(events)
            times = []
            for _ in range(6):
                assert (await anext(events)).event == "heartbeat"
                times.append(loop.time())
        assert 0.4 < median(later - earlier for earlier, later in pairwise(times)) < 4

    async def test_ends_when_the_app_ends(
        self, app: FastAPI, keys: Identities, settings: Settings, valkey: ValkeyClient
    ) -> None:
        stopping = asyncio.Event()
        pubsub = PubSub(valkey, settings, stopping)
        following = asyncio.create_task(pubsub.follow())
        try:
            await until(lambda: _following(pubsub))
            events = await pubsub.subscribe("revocations", None)
            assert (await anext(events)).event == "caught-up"
            stopping.set()
            async with asyncio.timeout(20):
                assert [event async for event in events] == []
            with pytest.raises(Unavailable):
                await pubsub.subscribe("revocations", None)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _following(pubsub: PubSub) -> bool:
    return pubsub.following
