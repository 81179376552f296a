"""A process ends with its supervisor, by the kernel's signal and by the watcher beside it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from devtools.workspace.repository import ROOT

SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from devtools.stack import process
from devtools.stack.logs import LogFile

async def main():
    process.HAS_DEATH_SIGNAL = sys.argv[2] == "signal"
    folder = Path(sys.argv[1])
    argv = ["/bin/sh", "-c", sys.argv[3]]
    started = await process.Process.start(process.Command(argv, {}, folder), LogFile(folder, "it"))
    print(started.pid, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await started.stop()

asyncio.run(main())
"""
WAYS = [
    pytest.param("signal", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux")),
    "pipe",
]


def start(folder: Path, way: str, script: str) -> tuple["subprocess.Popen[str]", psutil.Process]:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(folder), way, script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout
    return supervisor, psutil.Process(int(supervisor.stdout.readline()))


def children(process: psutil.Process, count: int) -> list[psutil.Process]:
    """Its children once there are so many: its watcher, and what it started."""
    deadline = time.monotonic() + 60
    while len(found := process.children()) != count:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)  # noqa: TID251 - polls until a deadline
    return found


@pytest.mark.parametrize("way", WAYS)
def test_it_gets_its_stop_signal_when_the_supervisor_is_killed(tmp_path: Path, way: str) -> None:
    supervisor, process = start(tmp_path, way, "exec sleep 600")
    with supervisor:
        supervisor.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs([process], timeout=60)
    assert (gone, alive) == ([process], [])


def test_the_watcher_signals_the_whole_group(tmp_path: Path) -> None:
    supervisor, process = start(tmp_path, "pipe", "sleep 600; :")
    family = [process, *children(process, 2)]
    with supervisor:
        supervisor.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def test_the_watcher_ends_with_the_process_that_it_watches(tmp_path: Path) -> None:
    supervisor, process = start(tmp_path, "pipe", "exec sleep 600")
    watchers = children(process, 1)
    process.kill()
    supervisor.communicate("\n", timeout=60)
    _, alive = psutil.wait_procs(watchers, timeout=60)
    assert (supervisor.returncode, alive) == (0, [])
