"""Whether a port is free, and what holds it."""

import socket
from contextlib import suppress

import psutil

from devtools.stack.process import MARKER


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
