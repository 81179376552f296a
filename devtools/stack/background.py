"""`./dev up --detach` and `./dev down`: a stack as a process of its own.

Nothing here reads the topology, so that the process that does starts at once.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
from rich.console import Console

from devtools.stack import control, preflight
from devtools.stack.control import StackState, StartOptions
from devtools.stack.view import Progress, finish
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, Stack

_POLL = 0.2
_DOWN_WITHIN = 90.0


def up(
    stack: Stack,
    options: StartOptions,
    console: Console,
    when_ready: Callable[[], None] | None = None,
) -> None:
    """Starts the stack; returns when it is ready and `when_ready` has returned."""
    preflight.make_folder(stack)
    with preflight.exclusive(stack):
        stack.supervisor_log.write_bytes(b"")
    with stack.supervisor_log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "devtools", "supervise", *_words(stack, options)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        state = _follow_until_ready(stack, supervisor, Progress(console))
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise
    if said := _said(stack):
        console.print(said, style="yellow", soft_wrap=True, markup=False)
    finish(console, state, detached=True)
    if when_ready:
        when_ready()


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


def _follow_until_ready(
    stack: Stack, supervisor: "subprocess.Popen[bytes]", progress: Progress
) -> StackState:
    while supervisor.poll() is None:
        with suppress(control.NotRunning):
            state = control.ask(stack.control, control.Request("status"))
            progress.show(state)
            if state.phase == "ready":
                return state
        time.sleep(_POLL)
    raise DevError(_said(stack).removeprefix("dev: ") or "the supervisor ended without a word")


def _said(stack: Stack) -> str:
    return stack.supervisor_log.read_text(errors="replace").strip()


def _words(stack: Stack, options: StartOptions) -> list[str]:
    words = ["--folder", str(stack.folder), "--port-offset", str(stack.offset)]
    words += [word for name in options.without for word in ("--without", name)]
    words += [word for name in options.stubs for word in ("--stub", name)]
    return [*words, *(["--watch"] if options.watch else [])]
