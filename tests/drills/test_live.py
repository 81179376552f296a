"""Whatever restarts under it, a client of the live socket misses nothing and gets nothing twice."""

import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from tests.drills.live import collecting, complete, flows, publishing
from tests.drills.load import serves
from tests.drills.processes import another, back, kill, this_stack
from tests.drills.verdict import Record, judge
from tests.stack import Visitor, until

pytestmark = [
    pytest.mark.skipif(
        "DEV_STACK" not in os.environ, reason="drills end processes of a local stack"
    ),
    pytest.mark.timeout(240),
]

SECOND_PORT = 8199
SETTLED_WITHIN = 30  # seconds
ONE_BY_ONE = [
    ("back-websockets", signal.SIGKILL),
    ("back-websockets", signal.SIGTERM),
    ("back-redis", signal.SIGKILL),
    ("valkey", signal.SIGKILL),
    ("back-gateway", signal.SIGKILL),
]


class TestRestarts:
    async def test_lose_and_repeat_nothing(
        self,
        user: Visitor,
        visitors: Callable[..., Visitor],
        record_property: Record,
    ) -> None:
        client = user.live_client()
        async with collecting(client) as [got]:
            async with publishing(user) as publisher:
                await flows(publisher, got)
                for victim, by in ONE_BY_ONE:
                    await back(victim, await kill(victim, by))
                    await flows(publisher, got)
            await until(partial(complete, publisher, got), within=SETTLED_WITHIN)
        found = judge(
            record_property, "live, one client", promised=publisher.accepted, delivered=got
        )
        assert (found.lost, found.twice, client.resyncs) == (0, 0, 0)
        assert got == publisher.accepted, "in order"
        assert client.repeated == 0, "the server repeated what the client had seen"
        assert len(client.hints) == 1, "only the SIGTERM announces itself"

        async def well() -> bool | None:
            return await serves(user, visitors())

        await until(well, within=SETTLED_WITHIN)


class TestSideBySide:
    async def test_two_processes_lose_and_repeat_nothing(
        self, user: Visitor, record_property: Record
    ) -> None:
        port = SECOND_PORT + this_stack().offset
        first, second = user.live_client(), user.live_client(f"http://127.0.0.1:{port}")
        async with (
            another("back-websockets", port) as process,
            collecting(first, second) as [here, there],
            publishing(user) as publisher,
        ):
            await flows(publisher, here, there)
            process.kill()
            # Its client resumes at the other process, as behind a load balancer.
            second.url = first.url
            await flows(publisher, here, there)
            await back("back-redis", await kill("back-redis"))
            await flows(publisher, here, there)
            publisher.stopped = True
            for got in (here, there):
                await until(partial(complete, publisher, got), within=SETTLED_WITHIN)
        for name, got in (("the first", here), ("the second", there)):
            effect = f"live, {name} of two"
            judge(record_property, effect, promised=publisher.accepted, delivered=got)
            assert got == publisher.accepted
        assert (first.repeated, second.repeated, first.resyncs + second.resyncs) == (0, 0, 0)
