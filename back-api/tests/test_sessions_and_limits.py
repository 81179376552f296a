"""What back-api relies on in back-auth and back-redis to verify users, and for its limit.

Against services in memory, and against those of a stack.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from stub_services import StubServices

from features.user_registration.infrastructure import RedisLimit
from settings import Settings
from shared.kit import ServiceClient
from shared.kit.auth.revocations import Revocations, session_check
from shared.kit.auth.user_tokens import RemoteKeySet
from shared.kit.errors import TooManyRequests, Unauthenticated
from shared.kit.http.context import correlated
from shared.models.auth import Revocation, RevokeSession, Session
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.sessions import new_session
from shared.testing.stack_client import stack_client


@dataclass(frozen=True)
class World:
    """The two services as back-api calls them, and what others do to sessions."""

    auth: ServiceClient
    redis: ServiceClient
    log_in: Callable[[], Awaitable[UUID]]
    log_out: Callable[[UUID], Awaitable[None]]


def world_of_stubs(stubs: StubServices, keys: Identities) -> World:
    apps = stubs.apps()

    async def log_in() -> UUID:
        return uuid4()

    async def log_out(sid: UUID) -> None:
        stubs.revoked.append(sid)
        stubs.revocations.put_nowait(Revocation(sid=sid))

    stubs.tokens_left = 3
    auth, redis = (
        keys.client("back-api", name, AsgiTransport(apps[name]))
        for name in ("back-auth", "back-redis")
    )
    return World(auth, redis, log_in, log_out)


async def real_world(stack: AsyncExitStack) -> World:
    enter = stack.enter_async_context
    sessions = await enter(stack_client("back-auth", "back-redis"))

    async def log_in() -> UUID:
        new = new_session()
        await sessions.post("/sessions", new, response_model=Session)
        return new.sid

    async def log_out(sid: UUID) -> None:
        await sessions.post(f"/sessions/{sid}/revoke", RevokeSession(), response_model=None)

    auth = await enter(stack_client("back-api", "back-auth"))
    redis = await enter(stack_client("back-api", "back-redis"))
    return World(auth, redis, log_in, log_out)


@pytest.fixture(params=["stubs", pytest.param("real", marks=pytest.mark.real)])
async def world(
    request: pytest.FixtureRequest, stubs: StubServices, keys: Identities
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        in_memory = request.param == "stubs"
        yield world_of_stubs(stubs, keys) if in_memory else await real_world(stack)


@pytest.mark.contract(consumer="back-api", provider="back-auth")
class TestBackAuth:
    async def test_a_session_is_active_until_its_logout(self, world: World) -> None:
        active, sid = session_check(world.auth, "/internal/sessions"), await world.log_in()
        assert await active(sid)
        await world.log_out(sid)
        assert not await active(sid)

    async def test_has_keys_to_verify_with(self, world: World) -> None:
        assert await RemoteKeySet(world.auth).keys("any")


@pytest.mark.contract(consumer="back-api", provider="back-redis")
class TestBackRedis:
    @pytest.mark.usefixtures("environment")
    async def test_a_limit_refuses_what_exceeds_it(self, world: World) -> None:
        limit, email = RedisLimit(world.redis, Settings()), f"{uuid4().hex}@example.org"
        for _ in range(Settings().registrations_per_address_and_network):
            await limit.take(email, "192.0.2.1")
        with pytest.raises(TooManyRequests) as raised:
            await limit.take(email, "192.0.2.1")
        assert raised.value.retry_after

    async def test_a_logout_arrives_on_the_stream(self, world: World) -> None:
        async def unknown(_: UUID) -> bool:
            raise AssertionError("the stream is current, so nobody is asked")

        revocations, sid = (
            Revocations(world.redis, "/streams/revocations", unknown),
            await world.log_in(),
        )
        arrived = asyncio.Event()

        async def arrives(revocation: Revocation) -> None:
            if revocation.sid == sid:
                arrived.set()

        revocations.watch(arrives)
        following = asyncio.create_task(revocations.follow())
        async with asyncio.timeout(10):
            await world.log_out(sid)
            await arrived.wait()
        with pytest.raises(Unauthenticated):
            await revocations.check(sid, uuid4(), 1)
        following.cancel()
