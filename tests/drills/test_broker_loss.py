"""The broker loses all that it holds, and is killed: each mail is sent once all the same."""

import asyncio
import os
from collections.abc import Callable

import pytest

from tests.drills.load import Answers, running
from tests.drills.processes import back, kill, secret, this_stack
from tests.drills.verdict import Record, judge
from tests.stack import Mailbox, Visitor, fresh_address, until

pytestmark = [
    pytest.mark.skipif("DEV_STACK" not in os.environ, reason="drills need a local stack"),
    pytest.mark.timeout(180),
]

LOSSES = 3
SETTLED_WITHIN = 60  # seconds: a delivery whose wake-up is lost waits for its lease
BROKER_PORT = 8147


async def lose_memory() -> None:
    """Empty the broker, as if its disk were new."""
    password = secret("back-workers", "broker.password").read_text().strip()
    reader, writer = await asyncio.open_connection("127.0.0.1", BROKER_PORT + this_stack().offset)
    writer.write(f"AUTH back-workers {password}\r\nFLUSHALL\r\n".encode())
    assert [await reader.readline() for _ in range(2)] == [b"+OK\r\n"] * 2
    writer.close()


async def test_each_mail_is_sent_once(
    visitors: Callable[..., Visitor], mailbox: Mailbox, record_property: Record
) -> None:
    visitor, answers, registered = visitors(), Answers(), list[str]()

    async def register_on() -> None:
        while True:
            visitor.email = fresh_address()
            if await answers.of_success(visitor.register()):
                registered.append(visitor.email)
            await asyncio.sleep(0.05)  # noqa: TID251 - the pace of the load

    async with running(register_on):
        for number in range(1, LOSSES + 1):

            async def more(wanted: int = 15 * number) -> bool | None:
                return len(registered) >= wanted or None

            await until(more, within=30)
            await lose_memory()
            await back("broker", await kill("broker"))

    mails: dict[str, set[str]] = {}

    async def all_came() -> bool | None:
        for address in registered:
            if not mails.get(address):
                mails[address] = {mail.message_id for mail in await mailbox.to(address)}
        return all(mails.values()) or None

    await until(all_came, within=SETTLED_WITHIN)
    came = [it for it in registered for _ in {mail.message_id for mail in await mailbox.to(it)}]
    found = judge(record_property, "mail, broker lost", promised=registered, delivered=came)
    assert (found.lost, found.twice, answers.wrong) == (0, 0, [])
