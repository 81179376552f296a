"""`./dev up`: looks whether a stack can start, runs it and shows how."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread

from rich.console import Console

from devtools.stack import availability, preflight
from devtools.stack.control import StackState, StartOptions
from devtools.stack.layout import Layout
from devtools.stack.programs import program_for
from devtools.stack.supervisor import Supervisor
from devtools.stack.topology import Topology, load
from devtools.stack.view import Progress, finish
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, ROOT, UV, Stack


def topology_of(options: StartOptions) -> Topology:
    whole = load(COMPOSE_FILE, os.environ).with_profiles()
    return whole.without(options.without).with_stubs(options.stubs)


def _available(options: StartOptions, console: Console) -> tuple[list[str], Topology]:
    """What is left out, with the parts that this machine can't run, and the topology that stays."""
    topology = topology_of(options)
    missing = dict(availability.missing(topology))
    for line in missing.values():
        console.print(line, style="yellow", soft_wrap=True)
    return [*options.without, *missing], topology.without(missing)


def up(
    stack: Stack,
    options: StartOptions,
    console: Console,
    when_ready: Callable[[], None] | None = None,
) -> None:
    """Runs the stack until Ctrl-C; `when_ready` is called once, in a thread beside it."""
    progress = Progress(console)
    is_up = False

    def show(state: StackState) -> None:
        nonlocal is_up
        progress.show(state)
        if state.phase == "ready" and not is_up:
            is_up = True
            finish(console, state, detached=False)
            if when_ready:
                Thread(target=_telling(when_ready, console), daemon=True).start()

    _run(stack, options, console, show)
    console.print("The stack is down.")


def supervise(stack: Stack, options: StartOptions) -> None:
    """The process behind `./dev up --detach`; what it prints is shown there."""
    _run(stack, options, Console(), lambda _: None)


def _run(
    stack: Stack, options: StartOptions, console: Console, show: Callable[[StackState], None]
) -> None:
    """Until it is told to end."""
    left_out, topology = _available(options, console)
    with _checked(stack, topology, console):
        supervisor = Supervisor(
            stack,
            topology,
            show,
            without=left_out,
            stubs=options.stubs,
            programs=partial(program_for, watched=options.watch),
            watched=ROOT if options.watch else None,
        )
        asyncio.run(supervisor.run())


def _telling(call: Callable[[], None], console: Console) -> Callable[[], None]:
    """`call`, whose DevError is printed: the stack goes on without it."""

    def told() -> None:
        try:
            call()
        except DevError as error:
            console.print(f"dev: {error}", style="yellow", soft_wrap=True, markup=False)

    return told


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
