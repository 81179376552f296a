"""A download breaks off again and again: it goes on where it was, and the file is whole."""

import os
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest

from tests.drills.processes import back, kill, this_stack
from tests.drills.verdict import Record, judge
from tests.stack import Visitor, until

pytestmark = [
    pytest.mark.skipif(
        "DEV_STACK" not in os.environ, reason="drills end processes of a local stack"
    ),
    pytest.mark.timeout(180),
]

LINES = 1_000_000
"""66 MB."""

CUT_BYTES = 1_000_000
"""What arrives between two faults. The rest is more than the sockets on the way hold by then."""

FAULTS = ["", "back-gateway", "back-api", "back-workers", ""]
"""Who is killed in the middle of the download; nobody where the client closes its connection."""


async def large_export(admin: Visitor) -> tuple[str, bytes]:
    """The path of a link to an export, and what its file holds; the file is made larger here."""
    task_id = (await admin.post("/api/admin/exports/users")).json()["id"]

    async def succeeded() -> bool | None:
        task = (await admin.get(f"/api/tasks/{task_id}")).json()
        return task["status"] == "succeeded" or None

    await until(succeeded, within=60)
    content = b"".join(b"%08d,%s\r\n" % (number, b"x" * 55) for number in range(LINES))
    (this_stack().volumes / "data-exports" / f"{task_id}.csv").write_bytes(content)
    link = await admin.post(f"/api/exports/{task_id}/link")
    return urlsplit(link.json()["url"]).path, content


async def test_a_download_that_breaks_off_loses_and_repeats_nothing(
    admin: Visitor, record_property: Record
) -> None:
    path, content = await large_export(admin)
    got = bytearray()
    begun: dict[str, str] = {}

    async def second_is_refused() -> bool | None:
        """Whether a second download gets 410; none is refused otherwise for long."""
        status = (await admin.http.get(path)).status_code
        assert status in {410, 503, 504}
        return status == 410 or None

    for victim in FAULTS:
        enough = len(got) + CUT_BYTES
        with suppress(httpx.TransportError):
            async with admin.http.stream("GET", path, headers=begun) as reply:
                assert reply.status_code == (206 if begun else 200)
                begun["If-Range"] = reply.headers["etag"]
                chunks = reply.aiter_raw()
                while len(got) < enough:
                    got += await anext(chunks)
                if victim:
                    await back(victim, await kill(victim))
                    async for chunk in chunks:
                        got += chunk
        assert len(got) < len(content), "it was not cut"
        begun["Range"] = f"bytes={len(got)}-"
        await until(second_is_refused, within=30)
    rest = await admin.http.get(path, headers=begun)
    assert rest.status_code == 206
    got += rest.content
    found = judge(
        record_property,
        "lines of a download that is cut",
        promised=(line[:8].decode() for line in content.splitlines()),
        delivered=(line[:8].decode() for line in got.splitlines()),
    )
    assert (found.lost, found.twice) == (0, 0)
    assert got == content
