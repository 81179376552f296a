"""What must hold before a stack can start, each refused in one line that says what to do."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from devtools.stack import orphans, ports
from devtools.workspace import environments
from devtools.workspace.errors import DevError
from devtools.workspace.repository import Stack

if TYPE_CHECKING:  # its module reads the topology, which ./dev down can do without
    from devtools.stack.layout import LocalService

_COLD_BYTES = 2_000_000_000
_WARM_BYTES = 300_000_000


def make_folder(stack: Stack) -> None:
    try:
        for folder in (stack.logs, stack.volumes, stack.mounts, stack.data, stack.engines):
            folder.mkdir(parents=True, exist_ok=True)
        stack.folder.chmod(0o700)
        stack.lock.touch()
    except PermissionError as error:
        raise DevError(
            f"{error.filename} is not writable for you: "
            "use a clone of your own, or give the folder to yourself with chown"
        ) from None


def check_disk(stack: Stack, services: "list[LocalService]") -> None:
    warm = all(environments.is_current(it.member) for it in services if it.member)
    needed = _WARM_BYTES if warm else _COLD_BYTES
    free = shutil.disk_usage(stack.folder).free
    if free < needed:
        raise DevError(
            f"{free / 1e9:.1f} GB free on the disk of {stack.folder}, about {needed / 1e9:.1f} GB "
            "are needed: free some space and try again"
        )


@contextmanager
def exclusive(stack: Stack) -> Iterator[None]:
    """Holds the lock of the stack; DevError when its supervisor runs already."""
    with stack.lock.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = stack.lock.read_text().strip()
            raise DevError(
                f"the stack is up already (supervisor {pid}): "
                "./dev status shows it, ./dev down ends it"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def end_orphans(stack: Stack) -> str:
    """Ends what a killed supervisor left behind. One line about it; empty when there was none."""
    unfinished = orphans.recorded(stack)
    if found := orphans.end(stack):
        names = ", ".join(sorted({*found.values()}))
        return f"the last run was cut off; ended {len(found)} left-over processes of it: {names}"
    return "the last run was cut off; none of its processes was left over" if unfinished else ""


def check_ports(services: "list[LocalService]") -> None:
    for service in services:
        for port in service.ports:
            if not ports.is_free(port):
                raise DevError(
                    f"port {port}, which {service.name} needs, is taken by {ports.holder(port)}: "
                    "end that one, or choose other ports: ./dev up --port-offset 1000 "
                    "(a second stack of one clone also needs --stack NAME)"
                )
