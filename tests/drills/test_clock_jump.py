"""The clock of a process jumps by an hour and back: nothing is lost, repeated, or revived.

A process with a wrong clock is refused by the others, because its assertions are of another time.
What counts is that it does no harm meanwhile, and works again when its clock is right. Beat is not
here, for libfaketime breaks `time.sleep` of a process whose monotonic clock it leaves alone: its
schedule is tested with a clock of the test (`back-workers/tests/test_beat_scheduler.py`).
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.drills.clock import JumpingClock
from tests.drills.live import collecting
from tests.drills.processes import another, this_stack
from tests.drills.verdict import Record, judge
from tests.stack import Mailbox, Visitor, until

pytestmark = [
    pytest.mark.skipif(
        "DEV_STACK" not in os.environ, reason="drills start processes beside a local stack"
    ),
    pytest.mark.timeout(240),
]

HOUR = 3600
JUMPS = (HOUR, -HOUR)
PORT = 8198
WELL_WITHIN = 30  # seconds: a circuit is probed after 5
NOTIFICATIONS = 12
"""Before, during and after each jump."""


@pytest.fixture
def clock(tmp_path: Path) -> JumpingClock:
    return JumpingClock(tmp_path)


@asynccontextmanager
async def beside(name: str, clock: JumpingClock) -> AsyncIterator[str]:
    """A second process of a service with that clock; its address, once it is ready."""
    url = f"http://127.0.0.1:{PORT + this_stack().offset}"
    async with another(name, PORT + this_stack().offset, **clock.environment):
        async with httpx.AsyncClient() as http:

            async def ready() -> bool | None:
                with suppress(httpx.TransportError):
                    return (await http.get(f"{url}/health/ready")).is_success or None
                return None

            await until(ready, within=60)
        yield url


async def answers(
    status: int, request: Callable[[], Awaitable[httpx.Response]], *, before: int = 503
) -> None:
    """Return once the request is answered so; `before` may come before, as of an open circuit."""

    async def answered() -> bool | None:
        reply = await request()
        assert reply.status_code in {status, before}, reply.text
        return reply.status_code == status or None

    await until(answered, within=WELL_WITHIN)


class TestTokens:
    async def test_no_login_is_lost_and_no_logout_undone(
        self, clock: JumpingClock, user: Visitor, mailbox: Mailbox
    ) -> None:
        ended = Visitor(user.base_url, mailbox, user.email)
        assert (await ended.log_in()).status_code == 200
        async with beside("back-auth", clock) as url, httpx.AsyncClient(base_url=url) as http:

            async def sessions(of: Visitor) -> httpx.Response:
                return await http.get("/auth/sessions", headers=of.bearer)

            await answers(200, lambda: sessions(ended))
            assert (await ended.log_out()).status_code == 204
            await answers(401, lambda: sessions(ended), before=200)
            there = Visitor(url, mailbox, user.email)
            for jump in JUMPS:
                clock.put_forward(jump)
                refused = await there.log_in()
                assert refused.status_code == 503, refused.text
                assert (await sessions(ended)).status_code in {401, 503}
                clock.put_forward(0)
                await answers(200, there.log_in)
                await answers(200, there.refresh)
                await answers(200, lambda: sessions(user))
                await answers(401, lambda: sessions(ended))
                elsewhere = await user.http.get("/api/users/me", headers=there.bearer)
                assert elsewhere.status_code == 200, "a token of the process whose clock jumped"
            await there.http.aclose()
        await ended.http.aclose()


class TestDeliveries:
    async def test_every_notification_has_its_effects_once(
        self,
        clock: JumpingClock,
        admin: Visitor,
        user: Visitor,
        mailbox: Mailbox,
        record_property: Record,
    ) -> None:
        user_id = (await user.get("/api/users/me")).json()["id"]
        wanted = {"kinds": {"admin_message": {"live": True, "mail": True}}, "digest": "off"}
        path = "/api/notifications/preferences"
        await user.http.put(path, json=wanted, headers=user.bearer)
        promised: list[str] = []

        async def notify() -> None:
            body = {"title": f"Number {len(promised)}", "body": "Once."}
            reply = await admin.post(f"/api/admin/users/{user_id}/notify", body)
            assert reply.status_code == 202, reply.text
            promised.append(reply.json()["event_id"])

        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(beside("back-websockets", clock))
            client = user.live_client(url)
            [got] = await stack.enter_async_context(collecting(client))
            for name in ("back-workers-relay", "back-workers-celery"):
                await stack.enter_async_context(another(name, 0, **clock.environment))
            for jump in (0, HOUR, 0, -HOUR, 0):
                clock.put_forward(jump)
                for _ in range(NOTIFICATIONS):
                    await notify()

            async def complete() -> bool | None:
                return set(promised) <= set(got) or None

            with suppress(TimeoutError):
                await until(complete, within=WELL_WITHIN)
        found = [judge(record_property, "live, clocks jump", promised=promised, delivered=got)]

        mails: list[str] = []

        async def mailed() -> bool | None:
            kept = {it.message_id for it in await mailbox.to(user.email)}
            mails[:] = [it.strip("<>").partition("@")[0] for it in kept]
            return set(promised) <= set(mails) or None

        with suppress(TimeoutError):
            await until(mailed, within=WELL_WITHIN)
        found.append(
            judge(record_property, "mail, clocks jump", promised=promised, delivered=mails)
        )
        items = (await user.get("/api/notifications", limit=100)).json()["items"]
        rows = [it["id"] for it in items]
        found.append(
            judge(record_property, "timeline, clocks jump", promised=promised, delivered=rows)
        )
        for it in found:
            assert (it.lost, it.twice) == (0, 0), it
        assert (client.connections, client.resyncs) == (1, 0), "the socket stayed open"
