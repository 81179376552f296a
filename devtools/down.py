"""`./dev down`."""

import time

from devtools import control, preflight
from devtools.errors import DevError
from devtools.repository import Stack

_PATIENCE = 90.0
_POLL = 0.1


def down(stack: Stack) -> str:
    """Ends the stack, and what a killed supervisor left of it. One line about what was done."""
    if not stack.lock.exists():
        return "Nothing to end: the stack is not running."
    try:
        control.ask(stack.control, control.Request("down"))
    except control.NotRunning:
        with preflight.alone(stack):
            return preflight.clean_up(stack) or "Nothing to end: the stack is not running."
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with preflight.alone(stack):
                return "The stack is down."
        except DevError:
            time.sleep(_POLL)
    raise DevError(
        f"the stack still ends after {_PATIENCE:g} s; ./dev status shows what it waits for"
    )
