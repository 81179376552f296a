"""Each process is killed with signal 9 during requests: errors are documented ones, it restarts."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import structlog

from tests.stack import PASSWORD, Mailbox, Visitor, fresh_address, until

pytestmark = pytest.mark.skipif(
    "DEV_STACK" not in os.environ, reason="drills end processes of a local stack"
)

log = structlog.get_logger()

ROOT = Path(__file__).resolve().parents[2]
VICTIMS = [
    "back-gateway",
    "back-api",
    "back-auth",
    "back-websockets",
    "back-postgres",
    "back-cassandra",
    "back-redis",
    "back-workers",
    "back-workers-relay",
    "back-workers-celery",
    "postgres",
    "valkey",
    "broker",
    "cassandra",
]
BACK_WITHIN = 15  # seconds
LONGEST_ANSWER = 5  # seconds


def status() -> dict[str, dict[str, object]]:
    """The processes in `./dev status --json`, by name."""
    # The exit code says whether everything is ready: here that may well not be so.
    told = subprocess.run(
        [ROOT / "dev", "status", "--json"], capture_output=True, check=False, text=True
    )
    services = json.loads(told.stdout)["services"]
    return {service["name"]: service for service in services}


@dataclass
class Load:
    """The answers to a few concurrent visitors."""

    codes: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)

    def note(self, reply: httpx.Response, seconds: float) -> None:
        self.codes[reply.status_code] += 1
        self.slowest = max(self.slowest, seconds)
        honest = reply.is_success or reply.status_code in {503, 504}
        if not honest or (
            not reply.is_success
            and not reply.headers["content-type"].startswith("application/problem+json")
        ):
            self.wrong.append(f"{reply.status_code} {reply.text[:300]}")


async def read_on(user: Visitor, load: Load, me: dict[str, object]) -> None:
    while True:
        started = time.monotonic()
        try:
            reply = await user.get("/api/users/me")
        except httpx.TransportError:
            load.codes[0] += 1  # only the gateway itself can refuse a connection
            await asyncio.sleep(0.05)  # noqa: TID251 - polls until a deadline
            continue
        load.note(reply, time.monotonic() - started)
        if reply.is_success and reply.json() != me:
            load.wrong.append(reply.text)
        await asyncio.sleep(0.02)  # noqa: TID251 - the pace of the load


async def register_on(base_url: str, load: Load) -> None:
    async with httpx.AsyncClient(base_url=base_url, timeout=10) as http:
        while True:
            email = fresh_address()
            body = {"email": email, "password": PASSWORD, "accept_terms": True}
            started = time.monotonic()
            try:
                reply = await http.post("/api/user-registration", json=body)
            except httpx.TransportError:
                load.codes[0] += 1
                await asyncio.sleep(0.05)  # noqa: TID251 - polls until a deadline
                continue
            load.note(reply, time.monotonic() - started)
            if reply.is_success:
                load.accepted.append(email)
            await asyncio.sleep(0.2)  # noqa: TID251 - the pace of the load


@asynccontextmanager
async def under_load(user: Visitor, base_url: str) -> AsyncIterator[Load]:
    load = Load()
    me = (await user.get("/api/users/me")).json()
    tasks = [asyncio.create_task(read_on(user, load, me)) for _ in range(2)]
    tasks.append(asyncio.create_task(register_on(base_url, load)))
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("victim", VICTIMS)
class TestKill:
    async def test_is_survived(
        self,
        victim: str,
        base_url: str,
        mailbox: Mailbox,
        visitors: Callable[..., Visitor],
    ) -> None:
        before = await asyncio.to_thread(status)
        if victim not in before:
            pytest.skip(f"this stack runs without {victim}")
        user = await visitors().sign_up()
        usual = (await user.http.get("/health")).json()["status"]
        async with under_load(user, base_url) as load:

            async def some_answers() -> bool | None:
                return sum(load.codes.values()) > 10 or None

            await until(some_answers, within=10)
            pid = before[victim]["pid"]
            assert isinstance(pid, int)
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()

            async def back() -> bool | None:
                now = (await asyncio.to_thread(status))[victim]
                return (now["pid"] != pid and now["state"] == "ready") or None

            await until(back, within=BACK_WITHIN)
            back_after = time.monotonic() - killed

            async def serves() -> bool | None:
                try:
                    me = await user.get("/api/users/me")
                    health = await user.http.get("/health")
                except httpx.TransportError:
                    return None
                return (me.is_success and health.json()["status"] == usual) or None

            await until(serves, within=BACK_WITHIN - back_after)
        log.info("ready_again", victim=victim, after=round(back_after, 1), answers=dict(load.codes))
        assert not load.wrong
        assert load.slowest <= LONGEST_ANSWER
        if victim != "back-gateway":
            assert not load.codes[0], "the gateway refused connections"
        for email in load.accepted:
            await mailbox.first_to(email, within=BACK_WITHIN)
            mails = await mailbox.to(email)
            assert len({mail.message_id for mail in mails}) == 1, mails
