"""The processes of the local stack that DEV_STACK names, and faults for them."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from devtools.stack import control
from devtools.workspace.repository import Stack
from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.client import ServiceClient
from shared.kit.http.transport import HttpTransport
from tests.stack import until

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


PORTS = {"back-postgres": 8103, "back-redis": 8106}


def this_stack() -> Stack:
    """The folders and ports of the stack."""
    return Stack.called(os.environ["DEV_STACK"], int(os.environ["DEV_PORT_OFFSET"]))


def service_client(caller: str, callee: str, url: str = "") -> ServiceClient:
    """The client of one service of the stack for another, with the identity it has there."""
    signer = AssertionSigner.from_pem(caller, secret(caller, "identity.key").read_text())
    url = url or f"http://127.0.0.1:{PORTS[callee] + this_stack().offset}"
    return ServiceClient(caller, callee, HttpTransport(url), signer)


def secret(owner: str, name: str) -> Path:
    """A file among the secrets of a service."""
    return this_stack().mounts / "secrets-init" / "secrets-by-owner" / owner / name


async def status() -> dict[str, control.ServiceState]:
    """Every process by its name, as the supervisor sees it.

    Asked without `./dev status`, whose start takes a second of CPU from what restarts.
    """
    path = this_stack().control
    state = await asyncio.to_thread(control.ask, path, control.Request("status"))
    return {service.name: service for service in state.services}


async def kill(name: str, by: signal.Signals = signal.SIGKILL) -> int:
    """End a process by a signal; returns its id."""
    pid = await pid_of(name)
    os.kill(pid, by)
    return pid


async def back(name: str, pid: int, *, within: float = 60) -> None:
    """Return once another process than `pid` runs in its place and is ready."""

    async def ready() -> bool | None:
        now = (await status())[name]
        return (now.pid != pid and now.state == "ready") or None

    await until(ready, within=within)


@asynccontextmanager
async def another(name: str, port: int, **settings: str) -> AsyncIterator[psutil.Popen]:
    """A second process of a service, on a port of its own, with settings of its own.

    It is ended after the block.
    """
    first = psutil.Process(await pid_of(name))
    environment = first.environ() | {"UVICORN_PORT": str(port)} | settings
    process = psutil.Popen(first.cmdline(), cwd=first.cwd(), env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def valkey(port: int, folder: Path, **environment: str) -> AsyncIterator[None]:
    """A Valkey as the one of back-redis, with its data in `folder`."""
    program = psutil.Process(await pid_of("valkey")).exe()
    settings = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    acl = ["--aclfile", str(secret("back-redis", "valkey.acl"))]
    command = [program, *settings, *where, *acl]
    process = psutil.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def frozen(name: str) -> AsyncIterator[None]:
    """Stop a process with SIGSTOP: it neither answers nor ends."""
    pid = await pid_of(name)
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
    roots = [psutil.Process(await pid_of(name)) for name in engines]
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


async def pid_of(name: str) -> int:
    """The id of a process that runs."""
    pid = (await status())[name].pid
    assert pid is not None, f"{name} does not run"
    return pid
