"""Every accepted write has each of its effects once, whatever is killed meanwhile.

An admin notifies users, while several relays, workers, beats and back-websockets run side by side.
Each write has an Idempotency-Key and is repeated until it is accepted. Its effects: a row in the
timeline, one more unread, a live message, a mail, an entry in the audit log.

    DRILL_WRITES=2000 ./dev drill exactly-once
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest
import structlog

from shared.testing.live_client import LiveClient
from tests.drills.live import collecting
from tests.drills.processes import another, back, kill, status, this_stack
from tests.drills.verdict import Record, judge
from tests.stack import Mailbox, Visitor, until

WRITES = int(os.environ.get("DRILL_WRITES", "120"))
RECIPIENTS = 10
WRITERS = 6
SETTLED_WITHIN = 180  # seconds: a consumer that paused is probed, and a lease runs out
VICTIMS = [
    "back-workers-relay",
    "back-workers-celery",
    "back-workers-beat",
    "back-redis",
    "back-websockets",
    "back-postgres",
    "back-workers",
    "back-cassandra",
    "back-api",
    "valkey",
    "broker",
    "postgres",
    "cassandra",
]
BESIDE = [
    "back-workers-relay",
    "back-workers-relay",
    "back-workers-celery",
    "back-workers-beat",
    "back-websockets",
]
"""Further processes that run beside the first one of each. Half of the clients are at the second
back-websockets."""
SECOND_PORT = 8198

pytestmark = [
    pytest.mark.skipif(
        "DEV_STACK" not in os.environ, reason="drills end processes of a local stack"
    ),
    pytest.mark.timeout(600 + WRITES),
]

log = structlog.get_logger()


@dataclass
class Recipient:
    """A user who is notified, with the ids of the notifications that were accepted."""

    user: Visitor
    id: str
    before: set[str]
    accepted: list[str] = field(default_factory=list)


@dataclass
class Writers:
    """Make writes as far as `allowed`, each until it is accepted."""

    admin: Visitor
    recipients: list[Recipient]
    allowed: int = 0
    begun: int = 0
    done: int = 0
    codes: Counter[int] = field(default_factory=Counter)

    async def run(self) -> None:
        while self.begun < WRITES:
            if self.begun >= self.allowed:
                await asyncio.sleep(0.02)  # noqa: TID251 - until more are allowed
                continue
            number, self.begun = self.begun, self.begun + 1
            recipient = self.recipients[number % len(self.recipients)]
            recipient.accepted.append(await self._write(recipient, number))
            self.done += 1

    async def _write(self, recipient: Recipient, number: int) -> str:
        path, key = f"/api/admin/users/{recipient.id}/notify", f"drill-{uuid4()}"
        body = {"title": f"Write {number}", "body": "One effect of each kind."}
        while True:
            headers = {**self.admin.bearer, "Idempotency-Key": key}
            with suppress(httpx.TransportError):
                reply = await self.admin.http.post(path, json=body, headers=headers)
                self.codes[reply.status_code] += 1
                if reply.status_code == 202:
                    return str(reply.json()["event_id"])
                if reply.status_code == 401:
                    await self.admin.refresh()
                assert reply.status_code in {401, 409, 503, 504}, reply.text
            await asyncio.sleep(0.2)  # noqa: TID251 - before the write is repeated


@dataclass
class Mails:
    """The mails of the drill; the mailbox keeps only the last 500."""

    mailbox: Mailbox
    arrived: dict[str, str] = field(default_factory=dict)

    async def read(self) -> None:
        while True:
            with suppress(httpx.TransportError):
                self.arrived |= await self.mailbox.arrivals()
            await asyncio.sleep(1)  # noqa: TID251 - the pace of the samples

    @property
    def events(self) -> set[str]:
        """The ids of the events that they are for: a Message-ID is made from one."""
        return {message_id.strip("<>").partition("@")[0] for message_id in self.arrived.values()}


async def pages(user: Visitor, path: str, **query: str | int) -> list[dict[str, object]]:
    """The items of all pages."""
    found: list[dict[str, object]] = []
    while True:
        reply = await user.get(path, limit=200, **query)
        if reply.status_code == 401:
            await user.refresh()
            continue
        reply.raise_for_status()
        found += reply.json()["items"]
        if reply.json()["next"] is None:
            return found
        query["before"] = reply.json()["next"]


async def settled(check: Callable[[], Awaitable[bool]]) -> None:
    """Return once the check holds, or its time is over: the verdict tells what lacks then."""

    async def holds() -> bool | None:
        try:
            return await check() or None
        except httpx.HTTPError:
            return None

    with suppress(TimeoutError):
        await until(holds, within=SETTLED_WITHIN)


async def notified(recipient: Recipient) -> list[str]:
    items = await pages(recipient.user, "/api/notifications")
    return [str(it["id"]) for it in items if str(it["id"]) not in recipient.before]


async def audited(admin: Visitor, recipient: Recipient) -> list[str]:
    entries = await pages(admin, "/api/admin/audit", user_id=recipient.id)
    payloads = [it["payload"] for it in entries if it["event_type"] == "user.notified"]
    return [str(it["notification_id"]) for it in payloads if isinstance(it, dict)]


async def unread(recipient: Recipient) -> int:
    reply = (await recipient.user.get("/api/notifications/unread-count")).raise_for_status()
    return int(reply.json()["unread"])


async def a_recipient(user: Visitor) -> Recipient:
    """A new user who wants mails too, and whose welcome has come."""
    user_id = (await user.get("/api/users/me")).json()["id"]
    wanted = {"kinds": {"admin_message": {"live": True, "mail": True}}, "digest": "off"}
    reply = await user.http.put("/api/notifications/preferences", json=wanted, headers=user.bearer)
    assert reply.status_code == 200, reply.text

    async def welcomed() -> set[str] | None:
        return {str(it["id"]) for it in await pages(user, "/api/notifications")} or None

    return Recipient(user, user_id, await until(welcomed, within=30))


@asynccontextmanager
async def side_by_side() -> AsyncIterator[str]:
    """Run the processes of BESIDE during the block; the address of the second back-websockets."""
    port = SECOND_PORT + this_stack().offset
    async with AsyncExitStack() as stack, httpx.AsyncClient() as http:
        for name in BESIDE:
            await stack.enter_async_context(another(name, port))

        async def ready() -> bool | None:
            with suppress(httpx.TransportError):
                return (await http.get(f"http://127.0.0.1:{port}/health/ready")).is_success or None
            return None

        await until(ready, within=60)
        yield f"http://127.0.0.1:{port}"


async def write_while_killing(writers: Writers, victims: list[str]) -> None:
    """Make all writes, and kill one victim after the other while they are made."""
    writing = [asyncio.create_task(writers.run()) for _ in range(WRITERS)]
    for number, victim in enumerate(victims, start=1):
        before = writers.done
        writers.allowed = number * WRITES // (len(victims) + 1)

        async def under_way(before: int = before) -> bool | None:
            return writers.done > before or None

        await until(under_way, within=60)
        await back(victim, await kill(victim))
    writers.allowed = WRITES
    await asyncio.wait_for(asyncio.gather(*writing), 120 + WRITES / 5)


async def explain(admin: Visitor, clients: list[LiveClient]) -> None:
    """Log what the clients of the socket met, and the live deliveries that are dead."""
    log.info(
        "live_clients",
        connections=[it.connections for it in clients],
        resyncs=[it.resyncs for it in clients],
        repeated=[it.repeated for it in clients],
    )
    dead = await admin.get("/api/admin/events", consumer="live", state="dead")
    log.info("dead_live_deliveries", answer=dead.text)


async def test_every_accepted_write_has_each_effect_once(
    admin: Visitor,
    visitors: Callable[..., Visitor],
    mailbox: Mailbox,
    record_property: Record,
) -> None:
    recipients = [await a_recipient(await visitors().sign_up()) for _ in range(RECIPIENTS)]
    victims = [name for name in VICTIMS if name in await status()]
    writers, mails = Writers(admin, recipients), Mails(mailbox)
    reading = asyncio.create_task(mails.read())
    async with AsyncExitStack() as stack:
        addresses = ("", await stack.enter_async_context(side_by_side()))
        clients = [it.user.live_client(addresses[n % 2]) for n, it in enumerate(recipients)]
        received = await stack.enter_async_context(collecting(*clients))
        await write_while_killing(writers, victims)
        log.info("written", killed=victims, codes=dict(writers.codes))

        async def all_told() -> bool:
            pairs = zip(recipients, received, strict=True)
            return all(set(it.accepted) <= set(got) for it, got in pairs)

        await settled(all_told)

    await explain(admin, clients)
    promised = [it for recipient in recipients for it in recipient.accepted]
    assert len(set(promised)) == WRITES, "each write has an event of its own"
    found = []

    def verdict(effect: str, delivered: list[str], stored: list[str] | None = None) -> None:
        wanted = judge(
            record_property, effect, promised=promised, delivered=delivered, stored=stored
        )
        found.append(wanted)

    verdict("live message", [it for got in received for it in got])

    rows: dict[str, list[str]] = {}

    async def all_stored() -> bool:
        rows["timeline"] = [i for it in recipients for i in await notified(it)]
        return set(promised) <= set(rows["timeline"])

    await settled(all_stored)
    verdict("timeline row", rows["timeline"], rows["timeline"])

    async def all_audited() -> bool:
        rows["audit"] = [i for it in recipients for i in await audited(admin, it)]
        return set(promised) <= set(rows["audit"])

    await settled(all_audited)
    verdict("audit entry", rows["audit"], rows["audit"])

    async def all_mailed() -> bool:
        return set(promised) <= mails.events

    await settled(all_mailed)
    reading.cancel()
    # A mail may be handed over twice under one Message-ID, by which a mail server tells it.
    verdict("mail", sorted(mails.events))
    log.info("mails", handed_over=len(mails.arrived), message_ids=len(mails.events))

    counts: dict[str, int] = {}

    async def all_counted() -> bool:
        counts.update({it.id: await unread(it) for it in recipients})
        return all(counts[it.id] == len(it.accepted) + len(it.before) for it in recipients)

    await settled(all_counted)
    counted = [
        i
        for it in recipients
        for i in (it.accepted if counts[it.id] == len(it.accepted) + len(it.before) else [])
    ]
    verdict("unread count", counted)

    for it in found:
        assert (it.lost, it.twice) == (0, 0), it
    assert sorted(rows["timeline"]) == sorted(promised), "no write that nobody was promised"
    assert sum(client.resyncs for client in clients) == 0
