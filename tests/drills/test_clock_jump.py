"""The clock of a process jumps by an hour and back: nothing is lost, repeated, or revived.

A process with a wrong clock is refused by the others, because its assertions are of another time.
What counts is that it does no harm meanwhile, and works again when its clock is right.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import httpx
import pytest

from shared.kit.auth.revocations import Revocations
from shared.kit.errors import Unauthenticated, Unavailable
from shared.kit.http.client import ServiceClient
from shared.kit.http.context import correlated
from shared.models.auth import RevokeSession, Session
from shared.models.live import LiveEvents
from shared.models.task import StoredTask, StoredTasks
from shared.testing.sessions import new_session
from tests.drills.clock import JumpingClock, JumpingPythonClock
from tests.drills.live import collecting, live_event, publish
from tests.drills.processes import another, frozen, service_client, this_stack, valkey
from tests.drills.verdict import Record, judge
from tests.stack import Mailbox, Visitor, until

pytestmark = [
    pytest.mark.skipif(
        "DEV_STACK" not in os.environ, reason="drills start processes beside a local stack"
    ),
    pytest.mark.timeout(240),
]

HOUR = 3600
DAY = 24 * HOUR
JUMPS = (HOUR, -HOUR)
PORT, VALKEY_PORT = 8198, 8195
WELL_WITHIN = 30  # seconds: a circuit is probed after 5
SCHEDULED, INTERVAL = "send_digests", 1
SCHEDULE = UUID("5ced0000-0000-4000-8000-000000000000")  # of back-workers/tasks/beat_scheduler.py
SOME_SECONDS = 4
"""Within `JWT_LEEWAY`: the assertions of a process whose clock is so far ahead are accepted."""
NOTIFICATIONS = 12
REVOKED = 150
"""Before, during and after each jump; a stream drops whole blocks of 100."""


@pytest.fixture
def clock(tmp_path: Path) -> JumpingClock:
    return JumpingClock(tmp_path)


@asynccontextmanager
async def beside(name: str, **settings: str) -> AsyncIterator[str]:
    """A second process of a service with settings of its own; its address, once it is ready."""
    url = f"http://127.0.0.1:{PORT + this_stack().offset}"
    async with another(name, PORT + this_stack().offset, **settings):
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
        async with (
            beside("back-auth", **clock.environment) as url,
            httpx.AsyncClient(base_url=url, timeout=60) as http,
        ):

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
            url = await stack.enter_async_context(beside("back-websockets", **clock.environment))
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


async def known_to_a_new_verifier(redis: ServiceClient, sids: list[str]) -> list[str]:
    """Those which a service that starts now holds for revoked."""

    async def active(_: UUID) -> bool:
        return True

    revocations = Revocations(redis, "/streams/revocations", active)
    following = asyncio.create_task(revocations.follow())

    async def ready() -> bool | None:
        with suppress(Unavailable):
            await revocations.ready()
            return True
        return None

    await until(ready, within=WELL_WITHIN)
    following.cancel()
    known = []
    for sid in sids:
        try:
            await revocations.check(UUID(sid), UUID(int=0), 1)
        except Unauthenticated:
            known.append(sid)
    return known


class TestValkey:
    """The clock of back-redis's Valkey: it keeps revocations and live events by time."""

    async def test_no_session_is_revived_and_no_live_event_lost(
        self, clock: JumpingClock, tmp_path: Path, record_property: Record
    ) -> None:
        port, user_id = VALKEY_PORT + this_stack().offset, uuid4()
        settings = {"VALKEY_HOST": "127.0.0.1", "VALKEY_PORT": str(port)}
        revoked: list[str] = []
        published: list[str] = []
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(valkey(port, tmp_path, **clock.environment))
            url = await stack.enter_async_context(beside("back-redis", **settings))

            async def client(caller: str) -> ServiceClient:
                return await stack.enter_async_context(service_client(caller, "back-redis", url))

            auth, workers = await client("back-auth"), await client("back-workers")
            api, sockets = await client("back-api"), await client("back-websockets")
            stack.enter_context(correlated(None))
            week = 7 * DAY
            old, ended = (new_session(expires_in=week) for _ in range(2))
            for new in (old, ended):
                await auth.post("/sessions", new, response_model=Session)
            first = await publish(workers, live_event(user_id, {}))
            for jump in (0, HOUR, 0, -HOUR, 0, HOUR, 0):
                clock.put_forward(jump)
                for _ in range(REVOKED):
                    sid = ended.sid if not revoked else uuid4()
                    await auth.post(f"/sessions/{sid}/revoke", RevokeSession())
                    revoked.append(str(sid))
                published += [
                    await publish(workers, live_event(user_id, {})) for _ in range(NOTIFICATIONS)
                ]
            known = await known_to_a_new_verifier(api, revoked)
            active = [
                (await auth.get(f"/sessions/{new.sid}", response_model=Session)).active
                for new in (old, ended)
            ]
            path, since = f"/users/{user_id}/live-events", {"since": first}
            resumed = await sockets.get(path, params=since, response_model=LiveEvents)
            clock.put_forward(2 * DAY)
            too_late = await sockets.get(path, params=since, response_model=LiveEvents)
        found = [
            judge(record_property, "revocation, clock jumps", promised=revoked, delivered=known),
            judge(
                record_property,
                "live event, clock jumps",
                promised=published,
                delivered=[str(it.event_id) for it in resumed.items],
            ),
        ]
        for it in found:
            assert (it.lost, it.twice) == (0, 0), it
        assert active == [True, False]
        assert resumed.complete
        assert not too_late.complete, "a client that can't resume learns it"


class Ticks:
    """The tasks that beat started since `since` (seconds since the epoch), by their tick."""

    def __init__(self, postgres: ServiceClient, since: float) -> None:
        self._postgres = postgres
        self._since = since

    async def started(self) -> list[int]:
        """The tick of each task, in seconds since the epoch, oldest first."""
        found = await self._postgres.get(
            "/tasks", params={"kind": SCHEDULED, "limit": 200}, response_model=StoredTasks
        )
        new = [it for it in found.items if it.created_at.timestamp() >= self._since]
        return sorted(self._tick(it) for it in new)

    def _tick(self, task: StoredTask) -> int:
        at = int(task.created_at.timestamp())
        for tick in range(at - 10 * INTERVAL, at + 10 * INTERVAL, INTERVAL):
            if task.id == uuid5(uuid5(SCHEDULE, f"{SCHEDULED} {float(tick)}"), "task"):
                return tick
        pytest.fail(f"the task {task.id} of {task.created_at} is of no tick near it")

    async def later(self) -> int:
        """The newest tick, once it is later than all before this call."""
        before = max(await self.started(), default=0)

        async def new() -> int | None:
            newest = max(await self.started(), default=0)
            return newest if newest > before else None

        return await until(new, within=60)


class TestBeat:
    async def test_no_schedule_is_started_twice_or_stopped(
        self, tmp_path: Path, record_property: Record
    ) -> None:
        clock = JumpingPythonClock(tmp_path)
        settings = {"DIGEST_INTERVAL_SECONDS": str(INTERVAL)} | clock.environment
        async with (
            service_client("back-workers", "back-postgres") as postgres,
            frozen("back-workers-beat"),
            another("back-workers-beat", 0, **settings),
        ):
            with correlated(None):
                ticks = Ticks(postgres, time.time())
                for jump in (0, SOME_SECONDS, 0, -SOME_SECONDS, 0, HOUR, 0):
                    clock.put_forward(jump)
                    if jump == HOUR:
                        await asyncio.sleep(5 * INTERVAL)  # noqa: TID251 - ticks of a wrong clock
                    else:
                        await ticks.later()
                found = await ticks.started()
        ids = [str(it) for it in found]
        verdict = judge(record_property, "schedule, clock jumps", promised=ids, delivered=ids)
        assert (verdict.lost, verdict.twice) == (0, 0), verdict
        assert max(found) <= time.time() + SOME_SECONDS, "none of an hour ahead"
