"""`./dev up` and `./dev down`: starts a stack here or in the background, shows how, ends it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import psutil
from rich.console import Console

from devtools.stack import availability, control, preflight
from devtools.stack.layout import Layout
from devtools.stack.state import StackState
from devtools.stack.supervisor import Supervisor
from devtools.stack.topology import Topology, load
from devtools.stack.view import Changes, Progress, finish
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, ROOT, UV, Stack

_POLL = 0.2
_DOWN_WITHIN = 90.0


def topology_of(without: Collection[str], stubs: Collection[str] = ()) -> Topology:
    whole = load(COMPOSE_FILE, os.environ).with_profiles()
    return whole.without(without).with_stubs(stubs)


def _available(
    without: Collection[str], stubs: Collection[str], console: Console
) -> tuple[list[str], Topology]:
    """What is left out, with the parts that this machine can't run, and the topology that stays."""
    topology = topology_of(without, stubs)
    missing = dict(availability.missing(topology))
    for line in missing.values():
        console.print(line, style="yellow", soft_wrap=True)
    return [*without, *missing], topology.without(missing)


def in_foreground(
    stack: Stack, without: Collection[str], stubs: Collection[str], console: Console
) -> None:
    """Runs the stack until Ctrl-C."""
    without, topology = _available(without, stubs, console)
    with _checked(stack, topology, console):
        before = _seconds_so_far()
        changes = Changes(console)
        with Progress(console) as progress:

            def show(state: StackState) -> None:
                if state.phase == "ready" and not is_up:
                    is_up.append(True)
                    progress.end()
                    finish(console, state, before=before, detached=False)
                (changes if is_up else progress).show(state)

            is_up: list[bool] = []
            asyncio.run(Supervisor(stack, topology, show, without=without, stubs=stubs).run())
        console.print("The stack is down.")


def in_background(
    stack: Stack, without: Collection[str], stubs: Collection[str], console: Console
) -> None:
    """Starts the stack as a process of its own; returns when it is ready."""
    without, topology = _available(without, stubs, console)
    with _checked(stack, topology, console):
        before = _seconds_so_far()
    with stack.supervisor_log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "devtools", "supervise", *_options(stack, without, stubs)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        with Progress(console) as progress:
            state = _follow_until_ready(stack, supervisor, progress)
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise
    finish(console, state, before=before, detached=True)


def supervise(stack: Stack, without: Collection[str], stubs: Collection[str]) -> None:
    """The background half of `in_background`."""
    with preflight.exclusive(stack):
        topology = topology_of(without, stubs)
        started = Supervisor(stack, topology, lambda _: None, without=without, stubs=stubs)
        asyncio.run(started.run())


def down(stack: Stack) -> str:
    """Ends the stack, and orphans of a killed supervisor. One line about what was done."""
    if not stack.lock.exists():
        return "Nothing to end: the stack is not running."
    try:
        supervisor = control.ask(stack.control, control.Request("down")).pid
    except control.NotRunning:
        with preflight.exclusive(stack):
            return preflight.end_orphans(stack) or "Nothing to end: the stack is not running."
    with suppress(psutil.NoSuchProcess):
        try:
            psutil.Process(supervisor).wait(_DOWN_WITHIN)
        except psutil.TimeoutExpired:
            raise DevError(
                f"the stack still ends after {_DOWN_WITHIN:g} s; ./dev status shows why"
            ) from None
    return "The stack is down."


@contextmanager
def _checked(stack: Stack, topology: Topology, console: Console) -> Iterator[None]:
    """Holds the stack's lock once everything that a start needs was found to be there."""
    if not UV.exists():
        raise DevError("uv is missing: start through ./dev, which brings it")
    preflight.make_folder(stack)
    with preflight.exclusive(stack):
        layout = Layout(topology, stack)
        services = [layout.local(service) for service in topology.services.values()]
        preflight.check_disk(stack, services)
        if said := preflight.end_orphans(stack):
            console.print(said, style="yellow", soft_wrap=True)
        preflight.check_ports(services)
        yield


def _follow_until_ready(
    stack: Stack, supervisor: "subprocess.Popen[bytes]", progress: Progress
) -> StackState:
    while supervisor.poll() is None:
        try:
            state = control.ask(stack.control, control.Request("status"))
        except control.NotRunning:
            time.sleep(_POLL)
            continue
        progress.show(state)
        if state.phase == "ready":
            return state
        time.sleep(_POLL)
    said = stack.supervisor_log.read_text(errors="replace").strip()
    raise DevError(said.removeprefix("dev: ") or "the supervisor ended without a word")


def _options(stack: Stack, without: Collection[str], stubs: Collection[str]) -> list[str]:
    options = ["--folder", str(stack.folder), "--port-offset", str(stack.offset)]
    options += [word for name in without for word in ("--without", name)]
    return options + [word for name in stubs for word in ("--stub", name)]


def _seconds_so_far() -> float:
    """Since ./dev was called."""
    return time.time() - float(os.environ.get("DEV_STARTED", time.time()))
