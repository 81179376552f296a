"""`./dev up`: looks whether a stack can start, runs it and shows how."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread

from rich.console import Console

from devtools.stack import availability, preflight
from devtools.stack.control import StackState
from devtools.stack.layout import Layout
from devtools.stack.programs import program_for
from devtools.stack.supervisor import Supervisor
from devtools.stack.topology import Topology, load
from devtools.stack.view import Progress, finish, seconds_so_far
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, ROOT, UV, Stack


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


def up(
    stack: Stack,
    without: Collection[str],
    stubs: Collection[str],
    console: Console,
    when_ready: Callable[[], None] | None = None,
    *,
    watch: bool = False,
) -> None:
    """Runs the stack until Ctrl-C; `when_ready` is called once, in a thread beside it.

    With `watch`, what changes is put into the running stack.
    """
    without, topology = _available(without, stubs, console)
    with _checked(stack, topology, console):
        before = seconds_so_far()
        progress = Progress(console)
        is_up = False

        def show(state: StackState) -> None:
            nonlocal is_up
            progress.show(state)
            if state.phase == "ready" and not is_up:
                is_up = True
                finish(console, state, before=before, detached=False)
                if when_ready:
                    Thread(target=_telling(when_ready, console), daemon=True).start()

        supervisor = _supervisor(stack, topology, show, without, stubs, watch=watch)
        asyncio.run(supervisor.run())
        console.print("The stack is down.")


def _telling(call: Callable[[], None], console: Console) -> Callable[[], None]:
    """`call`, whose DevError is printed: the stack goes on without it."""

    def told() -> None:
        try:
            call()
        except DevError as error:
            console.print(f"dev: {error}", style="yellow", soft_wrap=True, markup=False)

    return told


def _supervisor(
    stack: Stack,
    topology: Topology,
    show: Callable[[StackState], None],
    without: Collection[str],
    stubs: Collection[str],
    *,
    watch: bool,
) -> Supervisor:
    programs = partial(program_for, watched=watch)
    watched = ROOT if watch else None
    return Supervisor(
        stack, topology, show, without=without, stubs=stubs, programs=programs, watched=watched
    )


def supervise(
    stack: Stack, without: Collection[str], stubs: Collection[str], *, watch: bool = False
) -> None:
    """The process behind `./dev up --detach`; what it prints is shown there."""
    left_out, topology = _available(without, stubs, Console())
    with _checked(stack, topology, Console()):
        started = _supervisor(stack, topology, lambda _: None, left_out, stubs, watch=watch)
        asyncio.run(started.run())


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
