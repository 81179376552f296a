"""What must hold before a stack can start, each refused in one line that says what to do."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil

from devtools.stack import orphans
from devtools.stack.process import MARKER
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
            if not is_free(port):
                raise DevError(
                    f"port {port}, which {service.name} needs, is taken by {holder(port)}: "
                    "end that one, or choose other ports: ./dev up --port-offset 1000 "
                    "(a second stack of one clone also needs --stack NAME)"
                )


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def holder(port: int) -> str:
    """The process that listens on `port`, and its stack, as far as this user may know."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr[1:2] == (port,) and connection.pid:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (process {process.pid}){_stack_of(process)}"
    except psutil.Error:
        pass
    return "another process"


def _stack_of(process: psutil.Process) -> str:
    """Which clone's stack the process is part of; empty for any other process.

    nginx overwrites its environment: then other processes of its supervisor tell.
    """
    parents = [it for it in process.parents()[:2] if it.pid > 1]
    for it in [process, *(child for parent in parents for child in parent.children())]:
        with suppress(psutil.Error, OSError):
            if folder := it.environ().get(MARKER):
                clone, _, rest = folder.partition("/.run")
                name = f" {rest.removeprefix('/stacks/')}" if rest else ""
                return f" of the stack{name} in {clone}"
    return ""
