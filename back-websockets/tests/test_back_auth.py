"""What back-websockets relies on in back-auth: whether a session is active."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.kit import ServiceClient
from shared.kit.auth.revocations import session_check
from shared.kit.http.context import correlated
from shared.models.auth import RevokeSession, Session
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import make_identities
from shared.testing.sessions import new_session
from shared.testing.stack_client import stack_client
from tests.fake_back_redis import FakeBackRedis


@dataclass(frozen=True)
class World:
    """back-auth as back-websockets calls it, and what its user does to a session."""

    auth: ServiceClient
    log_in: Callable[[], Awaitable[UUID]]
    log_out: Callable[[UUID], Awaitable[None]]


def world_of_fake(fake: FakeBackRedis, folder: Path) -> World:
    async def log_in() -> UUID:
        return uuid4()

    async def log_out(sid: UUID) -> None:
        fake.ended.add(sid)

    keys = make_identities(folder, "back-websockets")
    client = keys.client("back-websockets", "back-auth", AsgiTransport(fake.auth_app()))
    return World(client, log_in, log_out)


async def real_world(stack: AsyncExitStack) -> World:
    sessions = await stack.enter_async_context(stack_client("back-auth", "back-redis"))

    async def log_in() -> UUID:
        new = new_session()
        await sessions.post("/sessions", new, response_model=Session)
        return new.sid

    async def log_out(sid: UUID) -> None:
        await sessions.post(f"/sessions/{sid}/revoke", RevokeSession(), response_model=None)

    auth = await stack.enter_async_context(stack_client("back-websockets", "back-auth"))
    return World(auth, log_in, log_out)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
async def world(
    request: pytest.FixtureRequest, redis: FakeBackRedis, tmp_path: Path
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        fake = request.param == "fake"
        yield world_of_fake(redis, tmp_path) if fake else await real_world(stack)


@pytest.mark.contract(consumer="back-websockets", provider="back-auth")
async def test_a_session_is_active_until_its_logout(world: World) -> None:
    active, sid = session_check(world.auth, "/internal/sessions"), await world.log_in()
    assert await active(sid)
    await world.log_out(sid)
    assert not await active(sid)
