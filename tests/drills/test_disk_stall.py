"""The disk stalls for two seconds under writes: nothing acknowledged is lost, and all recovers."""

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial

import pytest
import structlog

from tests.drills.load import Answers, running, serves
from tests.drills.processes import stalled_disk
from tests.stack import Mailbox, Visitor, until

pytestmark = pytest.mark.skipif(
    "DEV_STACK" not in os.environ, reason="drills stop processes of a local stack"
)

log = structlog.get_logger()

STALL = 2.0  # seconds
RECOVERED_WITHIN = 10  # seconds: 5 on a machine that does nothing else
LONGEST_ANSWER = 6  # seconds
WRITERS = 4


class Writer:
    """Writes one number after the other into a profile, and remembers the acknowledged ones."""

    def __init__(self, user: Visitor, answers: Answers) -> None:
        self.user = user
        self.answers = answers
        self.sent = 0
        self.acknowledged = 0

    async def run(self) -> None:
        while True:
            self.sent += 1
            number = self.sent
            title = {"job_title": f"title {number}"}
            if await self.answers.of_success(self.user.patch("/api/profile", title)):
                self.acknowledged = number
            await asyncio.sleep(0.05)  # noqa: TID251 - the pace of the load

    async def kept(self) -> int:
        profile = (await self.user.get("/api/profile")).json()
        return int(profile["job_title"].split()[-1])


async def refresh_on(user: Visitor, answers: Answers) -> None:
    while True:
        await answers.of_success(user.refresh())
        await asyncio.sleep(0.1)  # noqa: TID251 - the pace of the load


async def register_on(
    visitors: Callable[..., Visitor], answers: Answers, registered: list[str]
) -> None:
    while True:
        visitor = visitors()
        if await answers.of_success(visitor.register()):
            registered.append(visitor.email)
        await asyncio.sleep(0.3)  # noqa: TID251 - the pace of the load


class TestDiskStall:
    async def test_loses_nothing_and_recovers(
        self, mailbox: Mailbox, visitors: Callable[..., Visitor]
    ) -> None:
        answers = Answers()
        registered: list[str] = []
        users = [await visitors().sign_up() for _ in range(WRITERS)]
        for user in users:
            body = {"first_name": "Ada", "last_name": "Byron"}
            assert (await user.post("/api/profile", body)).status_code == 201
        writers = [Writer(user, answers) for user in users]
        refresher = await visitors().sign_up()

        async with running(
            *(writer.run for writer in writers),
            partial(refresh_on, refresher, answers),
            partial(register_on, visitors, answers, registered),
        ):

            async def writing() -> bool | None:
                return all(writer.acknowledged > 2 for writer in writers) or None

            await until(writing, within=20)
            async with stalled_disk():
                await asyncio.sleep(STALL)  # noqa: TID251 - the stall is what is tested
            ended = time.monotonic()

            async def works() -> bool | None:
                return await serves(users[0], visitors())

            await until(works, within=RECOVERED_WITHIN)
            works_after = time.monotonic() - ended
            before = [writer.acknowledged for writer in writers]

            async def all_write() -> bool | None:
                pairs = zip(writers, before, strict=True)
                return all(writer.acknowledged > number for writer, number in pairs) or None

            await until(all_write, within=RECOVERED_WITHIN)
        log.info(
            "disk_stalled",
            works_after=round(works_after, 1),
            slowest=round(answers.slowest, 1),
            answers=dict(answers.codes),
        )
        assert not answers.wrong
        assert not answers.codes[0], "the gateway refused connections"
        assert answers.slowest <= LONGEST_ANSWER
        for writer in writers:
            assert await writer.kept() >= writer.acknowledged
        assert (await refresher.refresh()).status_code == 200
        for email in registered:
            await mailbox.first_to(email, within=15)
            assert len({mail.message_id for mail in await mailbox.to(email)}) == 1
