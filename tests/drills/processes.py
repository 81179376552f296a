"""The processes of the local stack that DEV_STACK names, and faults for them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil

from devtools.stack import control
from devtools.workspace.repository import Stack

VICTIMS = [
    "back-gateway",
    "back-api",
    "back-auth",
    "back-websockets",
    "back-postgres",
    "back-cassandra",
    "back-redis",
    "back-workers",
    "back-workers-relay",
    "back-workers-celery",
    "postgres",
    "valkey",
    "broker",
    "cassandra",
]


def this_stack() -> Stack:
    """The folders and ports of the stack."""
    return Stack.called(os.environ["DEV_STACK"], int(os.environ["DEV_PORT_OFFSET"]))


async def status() -> dict[str, control.ServiceState]:
    """Every process by its name, as the supervisor sees it.

    Asked without `./dev status`, whose start takes a second of CPU from what restarts.
    """
    path = this_stack().control
    state = await asyncio.to_thread(control.ask, path, control.Request("status"))
    return {service.name: service for service in state.services}


async def kill(name: str) -> int:
    """End a process with SIGKILL; returns its id."""
    pid = await _pid(name)
    os.kill(pid, signal.SIGKILL)
    return pid


@asynccontextmanager
async def frozen(name: str) -> AsyncIterator[None]:
    """Stop a process with SIGSTOP: it neither answers nor ends."""
    pid = await _pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # a service that is stuck is ended and started anew
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def stalled_disk() -> AsyncIterator[None]:
    """Stop every process of every engine: none of them writes or acknowledges anything.

    The nearest thing to a disk that does not answer that needs neither a device of its own nor an
    engine of its own. It is harsher: a real engine would still answer reads from its memory.
    """
    engines = [it for it in ("postgres", "valkey", "broker", "cassandra") if it in await status()]
    roots = [psutil.Process(await _pid(name)) for name in engines]
    stopped: list[psutil.Process] = []
    try:
        for root in roots:
            for process in [root, *root.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
                    stopped.append(process)
        yield
    finally:
        for process in reversed(stopped):
            with suppress(psutil.NoSuchProcess):
                process.resume()


async def _pid(name: str) -> int:
    pid = (await status())[name].pid
    assert pid is not None, f"{name} does not run"
    return pid
