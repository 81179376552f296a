"""A service hangs: its callers' circuit opens, sheds calls at once, probes, and closes again."""

import asyncio
import os
import time
from statistics import median

import pytest
import structlog

from tests.drills.processes import frozen
from tests.stack import Visitor, code_of, until

pytestmark = pytest.mark.skipif("DEV_STACK" not in os.environ, reason="drills need a local stack")

log = structlog.get_logger()

AT_ONCE = 8  # more than the failures in a row that open a circuit
CALL_SECONDS = 2.0  # a call to another service
SHED_SECONDS = 0.5  # the answer of an open circuit, on a busy machine too
CLOSED_WITHIN = 10  # seconds


async def timed(user: Visitor) -> tuple[float, int, str]:
    """How long a read took that back-postgres answers, its status and its code."""
    began = time.monotonic()
    reply = await user.get("/api/users/me")
    code = "" if reply.is_success else code_of(reply)
    return time.monotonic() - began, reply.status_code, code


async def test_circuit_opens_sheds_probes_and_closes(user: Visitor) -> None:
    assert (await timed(user))[1] == 200
    async with frozen("back-postgres"):
        waited = await asyncio.gather(*(timed(user) for _ in range(AT_ONCE)))
        assert {status for _, status, _ in waited} <= {503, 504}
        assert max(seconds for seconds, _, _ in waited) >= CALL_SECONDS / 2, "they were tried"

        shed, probes, ends = [], 0, time.monotonic() + 3
        while time.monotonic() < ends:
            seconds, status, code = await timed(user)
            assert (status in {503, 504}, bool(code)) == (True, True)
            if seconds < SHED_SECONDS:
                assert status == 503
                shed.append(seconds)
            else:
                probes += 1
            await asyncio.sleep(0.02)  # noqa: TID251 - the pace of the load
    thawed = time.monotonic()

    async def closed() -> bool | None:
        return (await timed(user))[1] == 200 or None

    await until(closed, within=CLOSED_WITHIN)
    closed_after = time.monotonic() - thawed
    again = await asyncio.gather(*(timed(user) for _ in range(AT_ONCE)))
    log.info(
        "circuit",
        shed=len(shed),
        shed_median_ms=round(1000 * median(shed), 1) if shed else None,
        probes=probes,
        closed_after=round(closed_after, 2),
    )
    assert len(shed) > 10, "an open circuit refuses at once"
    assert probes >= 1, "and lets one call through now and then"
    assert {status for _, status, _ in again} == {200}
