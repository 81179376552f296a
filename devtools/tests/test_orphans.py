"""A supervisor killed with SIGKILL, and what the next start does about it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from devtools.stack import control, orphans, preflight
from devtools.stack.background import down
from devtools.stack.control import StackState
from devtools.stack.orphans import Recorded
from devtools.stack.process import MARKER
from devtools.tests.stub_stack import switches
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, Stack

DEADLINE = 60.0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "not within the deadline"
        time.sleep(0.05)  # noqa: TID251 - polls until a deadline


def state_of(stack: Stack) -> StackState | None:
    try:
        return control.ask(stack.control, control.Request("status"))
    except control.NotRunning:
        return None


def is_ready(stack: Stack) -> bool:
    state = state_of(stack)
    return state is not None and state.phase == "ready"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children here ignore SIGTERM on purpose: nothing is gained by waiting for them."""
    monkeypatch.setattr(orphans, "_PATIENCE", 0.3)


@pytest.fixture
def supervisor(stack: Stack) -> Iterator["subprocess.Popen[bytes]"]:
    for service in ("back-api", "shared"):
        (switches(stack, service) / "child").touch()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "devtools.tests.stub_stack",
            str(stack.folder),
            str(stack.offset),
        ],
        cwd=ROOT,
    )
    try:
        until(lambda: is_ready(stack))
        yield process
    finally:
        process.kill()
        process.wait()
        orphans.end(stack)


def test_a_supervisor_is_alone_and_what_it_leaves_when_killed_is_cleaned_up(
    stack: Stack, supervisor: "subprocess.Popen[bytes]"
) -> None:
    state = state_of(stack)
    assert state
    services = [it.pid for it in state.services if it.pid]
    children = [
        int((switches(stack, service) / "child.pid").read_text())
        for service in ("back-api", "shared")
    ]
    with (
        pytest.raises(DevError, match=rf"is up already \(supervisor {supervisor.pid}\)"),
        preflight.exclusive(stack),
    ):
        pass
    supervisor.kill()
    supervisor.wait()
    until(lambda: not any(psutil.pid_exists(pid) for pid in services))
    assert all(psutil.pid_exists(pid) for pid in children)
    said = preflight.end_orphans(stack)
    assert said.startswith("the last run was cut off; ended 2 left-over processes of it: back-api")
    until(lambda: not any(psutil.pid_exists(pid) for pid in children))
    assert preflight.end_orphans(stack) == ""


def test_down_returns_when_everything_ended(
    stack: Stack, supervisor: "subprocess.Popen[bytes]"
) -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(supervisor.wait, DEADLINE)
        assert down(stack) == "The stack is down."
    assert orphans.find(stack) == {}


def test_a_record_whose_pid_belongs_to_someone_else_is_left_alone(stack: Stack) -> None:
    preflight.make_folder(stack)
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    orphans.record(stack, [Recorded("back-api", bystander.pid, time.time() - 3600)])
    said = preflight.end_orphans(stack)
    assert said == "the last run was cut off; none of its processes was left over"
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_process_with_the_stacks_mark_is_found_without_a_record(stack: Stack) -> None:
    preflight.make_folder(stack)
    environment = {**os.environ, MARKER: str(stack.folder)}
    stray = subprocess.Popen(["sleep", "60"], env=environment)
    assert list(orphans.find(stack)) == [stray.pid]
    assert "ended 1 left-over" in preflight.end_orphans(stack)
    assert stray.wait(DEADLINE) is not None
    assert orphans.find(stack) == {}


def test_a_record_cut_short_counts_as_none(stack: Stack) -> None:
    preflight.make_folder(stack)
    stack.processes.write_text('[{"service": "a"')
    assert orphans.recorded(stack) == []
