"""The disk of back-redis's Valkey is full: writes are refused, none that was accepted is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.kit.errors import TimedOut, Unavailable
from shared.kit.http.context import correlated
from shared.models.live import LiveEvents
from tests.drills.live import live_event, publish
from tests.drills.processes import another, service_client, this_stack, valkey
from tests.drills.verdict import Record, judge
from tests.stack import until

pytestmark = [
    pytest.mark.skipif("DEV_STACK" not in os.environ, reason="drills need a local stack"),
    pytest.mark.timeout(120),
]

REDIS_PORT, VALKEY_PORT = 8196, 8197
EVENT_BYTES = 50_000
MEGABYTES = 8


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    size = f"size={MEGABYTES}m"
    mounting = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(tmp_path)]
    done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a tmpfs can't be mounted here: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def enlarge(disk: Path) -> None:
    more_room = f"remount,size={4 * MEGABYTES}m"
    subprocess.run(["mount", "-o", more_room, str(disk)], check=True)


async def test_refuses_writes_and_keeps_what_it_accepted(
    small_disk: Path, record_property: Record
) -> None:
    offset, user_id = this_stack().offset, uuid4()
    url = f"http://127.0.0.1:{REDIS_PORT + offset}"
    settings = {"VALKEY_HOST": "127.0.0.1", "VALKEY_PORT": str(VALKEY_PORT + offset)}
    accepted: list[str] = []

    async def accepts() -> bool | None:
        try:
            accepted.append(
                await publish(workers, live_event(user_id, {"text": "x" * EVENT_BYTES}))
            )
        except (Unavailable, TimedOut):
            return None
        return True

    async with (
        another("back-redis", REDIS_PORT + offset, **settings),
        service_client("back-workers", "back-redis", url) as workers,
        service_client("back-websockets", "back-redis", url) as sockets,
    ):
        async with valkey(VALKEY_PORT + offset, small_disk):
            await until(accepts, within=20)
            while await accepts():
                assert len(accepted) < MEGABYTES * 1_000_000 // EVENT_BYTES, "it is never full"
            assert len(accepted) > 20
        enlarge(small_disk)
        async with valkey(VALKEY_PORT + offset, small_disk):
            await until(accepts, within=20)
            with correlated(None):
                kept = await sockets.get(
                    f"/users/{user_id}/live-events",
                    params={"since": uuid4()},
                    response_model=LiveEvents,
                )
    stored = [str(it.event_id) for it in kept.items]
    found = judge(
        record_property, "live event, full disk", promised=accepted, stored=stored, delivered=stored
    )
    assert (found.lost, found.twice) == (0, 0)
