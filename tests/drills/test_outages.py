"""An outage of one service: calls that need it are refused, and no event is lost."""

import asyncio
import os
import time
from collections.abc import Callable

import pytest

from tests.drills.load import serves
from tests.drills.processes import frozen, status
from tests.stack import Visitor, code_of, until

pytestmark = pytest.mark.skipif(
    "DEV_STACK" not in os.environ, reason="drills stop processes of a local stack"
)


class TestWithoutSessions:
    async def test_protected_calls_answer_503_after_a_second(
        self, user: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        assert (await user.get("/api/users/me")).status_code == 200
        async with frozen("valkey"):
            await asyncio.sleep(1.5)  # noqa: TID251 - the second of silence that is allowed, and then some
            started = time.monotonic()
            reply = await user.get("/api/users/me")
            assert reply.status_code in {503, 504}
            code_of(reply)
            assert time.monotonic() - started < 5

        async def back() -> bool | None:
            return await serves(user, visitors())

        await until(back, within=15)


class TestWithoutCassandra:
    async def test_logins_succeed_and_their_events_are_delivered_later(
        self, admin: Visitor, visitors: Callable[..., Visitor]
    ) -> None:
        if "cassandra" not in await status():
            pytest.skip("this stack runs without cassandra")
        async with frozen("cassandra"):
            user = await visitors().sign_up()
            me = (await user.get("/api/users/me")).json()
            refused = await admin.get("/api/admin/audit", user_id=me["id"])
            assert refused.status_code in {503, 504}
            code_of(refused)

        async def logged() -> list[str] | None:
            page = await admin.get("/api/admin/audit", user_id=me["id"])
            if not page.is_success:
                return None
            types = [entry["event_type"] for entry in page.json()["items"]]
            return types if len(types) == 3 else None

        types = await until(logged, within=30)
        assert types == ["auth.login.succeeded", "user.verified", "user.registered"]

        async def back() -> bool | None:
            return await serves(user, visitors())

        await until(back, within=15)


class TestFrozenService:
    @pytest.mark.parametrize("service", ["back-postgres", "back-redis", "postgres"])
    async def test_callers_get_an_answer_within_five_seconds(
        self, user: Visitor, visitors: Callable[..., Visitor], service: str
    ) -> None:
        async with frozen(service):
            await asyncio.sleep(1.2)  # noqa: TID251 - back-redis's stream may be silent for a second
            for answer in (user.get("/api/users/me"), user.log_in()):
                started = time.monotonic()
                reply = await answer
                assert time.monotonic() - started < 5
                assert reply.status_code in {200, 503, 504}

        async def back() -> bool | None:
            return await serves(user, visitors())

        await until(back, within=15)
