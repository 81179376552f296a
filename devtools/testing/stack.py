"""A stack for tests: a second one beside the everyday one, ended and removed afterwards."""

import os
import random
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psutil

from devtools.stack import control, preflight
from devtools.stack.topology import load
from devtools.workspace.errors import DevError
from devtools.workspace.processes import in_thread, output_of
from devtools.workspace.repository import COMPOSE_FILE, ROOT, RUN, Stack, front_folders

GATEWAY_PORT = 8000
MAIL_PORT = 8025
LAST_OFFSET = 20_000
OFFSET_STEP = 200
PREFIX = "test-"
ADMIN_EMAIL = "admin@example.com"
WORK_UNASKED = (  # what a test puts into the outbox stays there for it
    "back-workers-relay",
    "back-workers-celery",
    "back-workers-celery-low",
    "back-workers-beat",
    "back-websockets",
    "back-gateway",
    "mailbox",
)


@dataclass(frozen=True)
class Target:
    """A stack that stands, by its addresses; `environment` is what tests need to know besides."""

    base_url: str
    mail_url: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> Sequence[str]:
        return ("--base-url", self.base_url, "--mail-url", self.mail_url)


@asynccontextmanager
async def temporary_stack() -> AsyncIterator[Target]:
    """Bring up a stack of its own name and ports, with an admin; DevError when it does not come.

    Its environment has TEST_SECRETS_ROOT, as that of `stack_of_services`.
    """
    password = secrets.token_urlsafe(16)
    async with _stack("whole") as stack:
        named = {"DEV_STACK": stack.folder.name, "DEV_PORT_OFFSET": str(stack.offset)}
        await _dev(named, "admin", "create", ADMIN_EMAIL, "--password-stdin", given=password)
        yield Target(
            f"http://127.0.0.1:{GATEWAY_PORT + stack.offset}",
            f"http://127.0.0.1:{MAIL_PORT + stack.offset}",
            named
            | {"ADMIN_EMAIL": ADMIN_EMAIL, "ADMIN_PASSWORD": password}
            | {"TEST_SECRETS_ROOT": _secrets_of(stack)},
        )


@asynccontextmanager
async def stack_of_services() -> AsyncIterator[dict[str, str]]:
    """Bring up the services that others call, and nothing that works without being asked.

    What it gives is what `shared.testing.stack_client` reads: BACK_POSTGRES_URL and
    so on, and TEST_SECRETS_ROOT, a folder with the secrets of each service. Raises DevError when
    the stack does not start.
    """
    unasked = [*WORK_UNASKED, *(folder.name for folder in front_folders(ROOT))]
    async with _stack("services", without=unasked) as stack:
        state = await in_thread(lambda: control.ask(stack.control, control.Request("status")))
        addresses = {
            f"{service.name.replace('-', '_').upper()}_URL": f"http://127.0.0.1:{service.ports[0]}"
            for service in state.services
            if service.name.startswith("back-")
        }
        yield addresses | {"TEST_SECRETS_ROOT": _secrets_of(stack)}


def _secrets_of(stack: Stack) -> str:
    """A folder with the secrets of each service."""
    return str(stack.mounts / "secrets-init" / "secrets-by-owner")


@asynccontextmanager
async def _stack(kind: str, without: Sequence[str] = ()) -> AsyncIterator[Stack]:
    await _remove_abandoned()
    stack = Stack.called(f"{PREFIX}{os.getpid()}-{kind}", _free_offset())
    named = {"DEV_STACK": stack.folder.name, "DEV_PORT_OFFSET": str(stack.offset)}
    left_out = [word for name in without for word in ("--without", name)]
    try:
        # All tests come from one network.
        await _dev(named, "up", "--detach", "--profile", "load", *left_out)
        yield stack
    finally:
        await _remove(stack.folder.name)


async def _remove_abandoned() -> None:
    """End stacks of runs that were killed: their names tell the process that made them."""
    for folder in (RUN / "stacks").glob(f"{PREFIX}*"):
        process, _, _ = folder.name.removeprefix(PREFIX).partition("-")
        if not psutil.pid_exists(int(process)):
            await _remove(folder.name)


async def _remove(name: str) -> None:
    with suppress(DevError):
        await _dev({"DEV_STACK": name}, "down")
    shutil.rmtree(Stack.called(name).folder, ignore_errors=True)


def keep_logs(target: Target, folder: Path) -> None:
    """Copies the logs of a temporary stack, which goes with it, to `folder`."""
    logs = Stack.called(target.environment["DEV_STACK"]).logs
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(logs, folder)


async def _dev(stack: Mapping[str, str], *words: str, given: str = "") -> None:
    command, env = [sys.executable, "-m", "devtools", *words], {**os.environ, **stack}
    code, said = await output_of(command, cwd=ROOT, env=env, given=given, ends_by=signal.SIGINT)
    if code:
        raise DevError(f"./dev {' '.join(words)} for the tests' stack failed:\n{said}")


def _free_offset() -> int:
    while True:
        offset = random.randrange(OFFSET_STEP, LAST_OFFSET, OFFSET_STEP)  # noqa: S311 - a guess
        if all(preflight.is_free(port + offset) for port in _ports()):
            return offset


@cache
def _ports() -> tuple[int, ...]:
    """All ports of a stack: those of fronts may be those of services of another stack."""
    services = load(COMPOSE_FILE, {}).services.values()
    published = [port.published for it in services for port in it.ports]
    return (*published, *(it.local_port for it in services if it.local_port))
