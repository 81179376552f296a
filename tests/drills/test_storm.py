"""Faults one after the other under load: what is refused, how long it takes, what is lost.

They run where DRILL_SECONDS says how long each lasts, on a machine with nothing else to do:

    DRILL_SECONDS=120 ./dev test drills -k TestOneProcessKilledEveryFiveSeconds
    DRILL_SECONDS=600 ./dev test drills -k TestAllFaults
"""

import asyncio
import itertools
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from uuid import uuid4

import pytest
import structlog

from shared.kit.errors import TimedOut, Unavailable
from shared.models.base import now
from shared.models.event import Command, EventEnvelope, NewEvent, Nothing, Recorded
from tests.drills.load import Answers, health, running, serves
from tests.drills.processes import VICTIMS, frozen, kill, service_client, status
from tests.stack import Mailbox, Visitor, until

SECONDS = float(os.environ.get("DRILL_SECONDS", "0"))

pytestmark = [
    pytest.mark.skipif(
        "DEV_STACK" not in os.environ, reason="drills end processes of a local stack"
    ),
    pytest.mark.skipif(not SECONDS, reason="DRILL_SECONDS does not say how long a storm lasts"),
    pytest.mark.timeout(SECONDS + 240),
]

log = structlog.get_logger()

READERS = 10
COMERS = 10  # who log in again and again: a user has only so many sessions
REQUESTS_A_SECOND = 30
LONGEST_ANSWER = 6  # seconds
EDGE_DEADLINE = 10  # seconds
REFUSED_SHARE = 0.08
SETTLED_WITHIN = 60  # seconds: an event may wait out its lease and a paused consumer
MEMORY_GROWTH = 30_000_000  # bytes
SOCKET_GROWTH = 20
LONG_LIFE = 180.0  # seconds after which a process is expected to grow no more

Well = Callable[[], Awaitable[bool | None]]


@dataclass
class Storm:
    """Visitors at a steady rate: most read, some write, log in and register.

    Of what was acknowledged it remembers enough to look for it afterwards.
    """

    visitors: Callable[..., Visitor]
    users: list[Visitor]
    comers: list[Visitor]
    answers: Answers = field(default_factory=Answers)
    registered: list[str] = field(default_factory=list)
    titles: dict[Visitor, str] = field(default_factory=dict)
    logins: Counter[Visitor] = field(default_factory=Counter)
    writing: set[Visitor] = field(default_factory=set)

    async def run(self) -> None:
        """Begin REQUESTS_A_SECOND requests a second, however long each takes."""
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for count in itertools.count():
                wait = started + count / REQUESTS_A_SECOND - time.monotonic()
                await asyncio.sleep(max(0.0, wait))  # noqa: TID251 - the pace of the load
                group.create_task(self._request(count))

    async def _request(self, count: int) -> None:
        user = self.users[count % len(self.users)]
        if count % 100 == 50:
            visitor = self.visitors()
            if await self.answers.of_success(visitor.register()):
                self.registered.append(visitor.email)
        elif count % 30 == 20:
            comer = self.comers[count // 30 % len(self.comers)]
            if await self.answers.of_success(comer.log_in()):
                self.logins[comer] += 1
        elif count % 10 == 5:
            await self._write(self.users[count // 10 % len(self.users)], f"title {count}")
        elif count % 3 == 0:
            await self.answers.of(user.get("/api/profile"))
        else:
            await self.answers.of(user.get("/api/users/me"))

    async def _write(self, user: Visitor, title: str) -> None:
        if user in self.writing:
            return  # two writes at once are a conflict
        self.writing.add(user)
        if await self.answers.of_success(user.patch("/api/profile", {"job_title": title})):
            self.titles[user] = title
        self.writing.remove(user)

    async def expect_nothing_lost(self, mailbox: Mailbox) -> None:
        """Every mail arrived, and every acknowledged profile is there."""
        for email in self.registered:
            await mailbox.first_to(email, within=SETTLED_WITHIN)
        for user, title in self.titles.items():
            kept = (await user.get("/api/profile")).json()["job_title"]
            # A write that was answered with 503 may have happened after the acknowledged one.
            assert int(kept.split()[-1]) >= int(title.split()[-1]), (kept, title)

    async def expect_audited(self, admin: Visitor) -> None:
        """Every acknowledged login is in the audit log."""
        for comer, count in self.logins.items():
            identity = (await comer.get("/api/users/me")).json()["id"]

            async def audited(identity: str = identity, count: int = count) -> bool | None:
                page = await admin.get("/api/admin/audit", user_id=identity, limit=200)
                if not page.is_success:
                    return None
                types = [entry["event_type"] for entry in page.json()["items"]]
                # The one login of the sign-up comes on top.
                return types.count("auth.login.succeeded") >= count + 1 or None

            await until(audited, within=SETTLED_WITHIN)

    def report(self, drill: str, **more: object) -> None:
        log.info(
            drill,
            seconds=SECONDS,
            requests=self.answers.count,
            codes=dict(self.answers.codes),
            refused_percent=round(100 * self.answers.refused / self.answers.count, 2),
            slowest=round(self.answers.slowest, 2),
            registered=len(self.registered),
            logins=self.logins.total(),
            **more,
        )


@pytest.fixture
async def storm(visitors: Callable[..., Visitor]) -> Storm:
    users = [await visitors().sign_up() for _ in range(READERS)]
    names = {"first_name": "Ada", "last_name": "Storm", "job_title": "title 0"}
    for user in users:
        assert (await user.post("/api/profile", names)).is_success
    return Storm(visitors, users, [await visitors().sign_up() for _ in range(COMERS)])


@pytest.fixture
async def all_is_well(visitors: Callable[..., Visitor]) -> AsyncIterator[Well]:
    """Tells whether the stack works as it did; the next drill begins once it does."""
    user = await visitors().sign_up()
    usual = await health(user)

    async def well() -> bool | None:
        if await health(user) != usual:
            return None
        return await serves(user, visitors())

    yield well
    await until(well, within=30)


class TestOneProcessKilledEveryFiveSeconds:
    async def test_refuses_few_requests_and_loses_nothing(
        self, storm: Storm, all_is_well: Well, mailbox: Mailbox, admin: Visitor
    ) -> None:
        victims = [name for name in VICTIMS if name in await status()]
        refused_after: Counter[str] = Counter()

        async def killing() -> None:
            for victim in itertools.cycle(victims):
                before = storm.answers.refused
                await kill(victim)
                await asyncio.sleep(5)  # noqa: TID251 - the pace of the drill
                refused_after[victim] += storm.answers.refused - before

        async with running(storm.run, killing):
            await asyncio.sleep(SECONDS)  # noqa: TID251 - the length of the drill
        storm.report("killed_every_five_seconds", refused_after=dict(refused_after))
        await until(all_is_well, within=30)
        await storm.expect_nothing_lost(mailbox)
        await storm.expect_audited(admin)
        assert not storm.answers.wrong
        assert storm.answers.slowest <= LONGEST_ANSWER
        assert storm.answers.refused / storm.answers.count < REFUSED_SHARE


@dataclass
class Usage:
    """The samples of one process: its age in seconds, memory in bytes, open sockets."""

    name: str
    born: float
    samples: list[tuple[float, int, int]] = field(default_factory=list)

    def growth(self) -> tuple[int, int]:
        """Bytes and sockets that the last third of its life had more than the middle one."""
        third = len(self.samples) // 3
        middle, last = self.samples[third : 2 * third], self.samples[2 * third :]
        memory = median(it[1] for it in last) - median(it[1] for it in middle)
        sockets = median(it[2] for it in last) - median(it[2] for it in middle)
        return int(memory), int(sockets)


class TestAllFaults:
    async def test_stay_where_they_are(
        self, storm: Storm, all_is_well: Well, mailbox: Mailbox, admin: Visitor
    ) -> None:
        """A poison event, a poison recipient, a hanging back-auth, and kills all the while."""
        usages: dict[int, Usage] = {}

        async def measuring() -> None:
            while True:
                for service in (await status()).values():
                    if service.pid and service.state == "ready":
                        usage = usages.setdefault(
                            service.pid, Usage(service.name, time.monotonic())
                        )
                        if sample := measured(service.pid):
                            usage.samples.append((time.monotonic() - usage.born, *sample))
                await asyncio.sleep(2)  # noqa: TID251 - the pace of the samples

        async def faults() -> None:
            # Each process is killed twice, and lives half of the drill between.
            pause = SECONDS / 2 / len(VICTIMS)
            victims = [name for name in VICTIMS if name in await status()]
            for victim in itertools.cycle(victims):
                await publish_poison_event()
                nobody = storm.visitors(f"reject-550-{uuid4().hex}@example.org")
                await storm.answers.of(nobody.register())
                await asyncio.sleep(pause)  # noqa: TID251 - the pace of the drill
                if victim == "back-auth":
                    async with frozen(victim):
                        await asyncio.sleep(min(4, pause))  # noqa: TID251 - it hangs
                await kill(victim)

        async with running(storm.run, faults, measuring):
            await asyncio.sleep(SECONDS)  # noqa: TID251 - the length of the drill
        await until(all_is_well, within=30)
        grown = {
            f"{usage.name} {pid}": usage.growth()
            for pid, usage in usages.items()
            if usage.samples and usage.samples[-1][0] > LONG_LIFE
        }
        storm.report("all_faults", growth_of_memory_and_sockets=grown)
        await storm.expect_nothing_lost(mailbox)
        await storm.expect_audited(admin)
        assert not storm.answers.wrong
        assert storm.answers.slowest <= EDGE_DEADLINE + 1
        for process, (memory, sockets) in grown.items():
            assert memory < MEMORY_GROWTH, process
            assert sockets < SOCKET_GROWTH, process


async def publish_poison_event() -> None:
    """Store an event whose payload no consumer's model accepts, as back-auth."""
    envelope = EventEnvelope(
        event_id=uuid4(),
        event_type="user.registered",
        occurred_at=now(),
        correlation_id=f"poison-{uuid4()}",
        payload={"user_id": "nobody"},
    )
    event = NewEvent(aggregate_id=uuid4(), envelope=envelope)
    command = Command[Nothing](command_id=uuid4(), data=Nothing(), events=[event])
    async with service_client("back-auth", "back-postgres") as client:
        with suppress(Unavailable, TimedOut):  # back-postgres may just have been killed
            await client.post("/events", command, response_model=Recorded)


def measured(pid: int) -> tuple[int, int] | None:
    """Resident memory in bytes and the number of open sockets; None once the process ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        files = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE"), sum(str(it).startswith("socket:") for it in files)
