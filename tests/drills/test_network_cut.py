"""The network between back-websockets and back-redis is cut and hangs: sockets get all, later."""

import os

import pytest

from shared.testing.tcp_proxy import TcpProxy
from tests.drills.live import collecting, complete, flows, publishing
from tests.drills.processes import PORTS, another, this_stack
from tests.drills.verdict import Record, judge
from tests.stack import Visitor, until

pytestmark = [
    pytest.mark.skipif("DEV_STACK" not in os.environ, reason="drills need a local stack"),
    pytest.mark.timeout(120),
]

PORT = 8198
SETTLED_WITHIN = 30  # seconds


async def test_open_sockets_miss_and_repeat_nothing(user: Visitor, record_property: Record) -> None:
    offset = this_stack().offset
    async with TcpProxy("127.0.0.1", PORTS["back-redis"] + offset) as proxy:
        redis = {"BACK_REDIS_URL": f"http://127.0.0.1:{proxy.port}"}
        client = user.live_client(f"http://127.0.0.1:{PORT + offset}")
        async with (
            another("back-websockets", PORT + offset, **redis),
            collecting(client) as [got],
            publishing(user) as publisher,
        ):
            await flows(publisher, got)
            for cut, mend in ((proxy.stop, proxy.start), (proxy.freeze, proxy.thaw)):
                if (cutting := cut()) is not None:
                    await cutting
                await flows(publisher)
                behind = len(got)
                await flows(publisher)
                assert len(got) == behind, "nothing comes through"
                if (mending := mend()) is not None:
                    await mending
                await flows(publisher, got)
            publisher.stopped = True
            await until(lambda: complete(publisher, got), within=SETTLED_WITHIN)
    found = judge(record_property, "live, network cut", promised=publisher.accepted, delivered=got)
    assert (found.lost, found.twice) == (0, 0)
    assert got == publisher.accepted, "in order"
    assert (client.connections, client.resyncs, client.repeated) == (1, 0, 0)
