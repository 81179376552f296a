"""Shows a stack: while it starts, and once it stands."""

import os
import time
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from devtools.stack.control import StackState

_STYLES: Mapping[str, str] = {
    "ready": "green",
    "done": "green",
    "unready": "yellow",
    "restarting": "red",
    "starting": "cyan",
    "stopping": "yellow",
}
_PAGES = (
    ("front-public", "/app", "  (sign up, log in)"),
    ("front-admin", "/admin", "  (./dev admin create EMAIL makes the first admin)"),
)
_SIGN_UP = """\
curl -i http://127.0.0.1:{gateway}/api/user-registration -H 'content-type: application/json' \\
    -d '{{"email": "ada@example.org", "password": "ada-keeps-9-cats", "accept_terms": true}}'"""


class Progress:
    """Prints a line for each change of a stack, while it starts with the seconds so far."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, str] = {}

    def show(self, state: StackState) -> None:
        began = f"{state.seconds:6.1f} s  " if state.phase == "starting" else ""
        for name, line in _lines(state):
            if self._seen.get(name) != line:
                self._seen[name] = line
                self._console.print(f"{began}{line}", soft_wrap=True)


def services_table(state: StackState) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "port", "state", "ready after", "restarts", ""):
        table.add_column(heading)
    for service in state.services:
        ready = "" if service.ready_after is None else f"{service.ready_after:.1f} s"
        table.add_row(
            service.name,
            ", ".join(map(str, service.ports)),
            Text(service.state, style=_STYLES.get(service.state, "dim")),
            ready,
            str(service.restarts or ""),
            Text(service.detail, style="dim", overflow="ellipsis", no_wrap=True),
        )
    return table


def finish(console: Console, state: StackState, *, detached: bool) -> None:
    """The end of a successful start: the table, where the time went, what to try next."""
    console.print(services_table(state))
    console.print()
    for names, text in (
        (state.without, "Without {}: what needs it degrades and says so, its events wait."),
        (state.stubs, "Stubbed: {}. A stub keeps nothing and makes its answers up."),
    ):
        if names:
            console.print(text.format(", ".join(names)), style="yellow")
    console.print(Text(_where_the_time_went(state), style="dim"), soft_wrap=True)
    gateway, mailbox = 8000 + state.offset, 8025 + state.offset
    present = {service.name for service in state.services}
    addresses = [
        f"open http://127.0.0.1:{gateway}{path}{said}"
        for front, path, said in _PAGES
        if front in present
    ]
    console.print("\nTry next:")
    for command in (
        *(addresses or [_SIGN_UP.format(gateway=gateway)]),
        f"open http://127.0.0.1:{mailbox}  (the mail that it sends)",
        f"open http://127.0.0.1:{gateway}/health",
        "./dev status    ./dev logs -f    ./dev test",
    ):
        console.print(f"  {command}", soft_wrap=True, markup=False, highlight=False)
    console.print("  ./dev down ends it." if detached else "  Ctrl-C ends it.")


def _where_the_time_went(state: StackState) -> str:
    since_the_call = time.time() - float(os.environ.get("DEV_STARTED", time.time()))
    before = max(0.0, since_the_call - state.seconds)
    parts = [f"tools and checks {before:.1f} s"]
    for kind, title in (
        ("environment", "environments"),
        ("engine", "engines fetched"),
        ("build", "fronts built"),
    ):
        seconds = [step.seconds for step in state.steps if step.name.startswith(kind)]
        parts.append(f"{title} {max(seconds, default=0):.1f} s")
    slowest = max(state.services, key=lambda service: service.ready_after or 0)
    parts.append(f"slowest to ready {slowest.name} {slowest.ready_after or 0:.1f} s")
    return f"Ready in {before + state.seconds:.1f} s: {', '.join(parts)} (side by side)."


def _lines(state: StackState) -> Iterator[tuple[str, str]]:
    for step in state.steps:
        if not step.done or step.seconds > 0.5:
            yield step.name, f"{step.name}: there" if step.done else f"{step.name} …"
    for service in state.services:
        if service.pid or service.state in {"restarting", "done"}:
            # What a service waits for while it starts changes often.
            detail = "" if service.state == "starting" else service.detail
            line = f"{service.name}: {service.state}"
            yield service.name, f"{line} ({detail})" if detail else line
