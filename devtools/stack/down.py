"""`./dev down`."""

from contextlib import suppress

import psutil

from devtools.stack import control, preflight
from devtools.workspace.errors import DevError
from devtools.workspace.repository import Stack

_PATIENCE = 90.0


def down(stack: Stack) -> str:
    """Ends the stack, and what a killed supervisor left of it. One line about what was done."""
    if not stack.lock.exists():
        return "Nothing to end: the stack is not running."
    try:
        supervisor = control.ask(stack.control, control.Request("down")).pid
    except control.NotRunning:
        with preflight.exclusive(stack):
            return preflight.end_orphans(stack) or "Nothing to end: the stack is not running."
    with suppress(psutil.NoSuchProcess):
        try:
            psutil.Process(supervisor).wait(_PATIENCE)
        except psutil.TimeoutExpired:
            raise DevError(
                f"the stack still ends after {_PATIENCE:g} s; ./dev status shows what it waits for"
            ) from None
    return "The stack is down."
