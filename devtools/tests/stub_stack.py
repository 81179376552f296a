"""A small stack of stub services, run by the real supervisor.

    python -m devtools.tests.stub_stack FOLDER OFFSET

back-postgres (8103) waits for shared (8109), back-api (8100) for back-postgres; shared waits for
the one-shot job secrets-init.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from devtools.stack import preflight
from devtools.stack.control import StackState
from devtools.stack.health import Answer, Probe
from devtools.stack.layout import Layout, LocalService
from devtools.stack.programs import Prerequisites
from devtools.stack.supervisor import Supervisor
from devtools.stack.topology import Topology, load
from devtools.workspace.processes import Command
from devtools.workspace.repository import Stack

STOP_TIMEOUT = 600.0  # seconds: longer than any test waits

COMPOSE = """
services:
  back-api:
    build: {context: ., args: {SERVICE: back-api}}
    command: [stub]
    environment: {UVICORN_PORT: "8100"}
    ports: ["127.0.0.1:8100:8100"]
    depends_on: {back-postgres: {condition: service_healthy}}
    healthcheck: {test: [CMD, get, "http://127.0.0.1:8100/health/ready"]}
    restart: unless-stopped
  back-postgres:
    build: {context: ., args: {SERVICE: back-postgres}}
    command: [stub]
    ports: ["127.0.0.1:8103:8103"]
    depends_on: {shared: {condition: service_healthy}}
    healthcheck: {test: [CMD, get, "http://127.0.0.1:8103/health/ready"]}
    restart: unless-stopped
  secrets-init:
    build: {context: ., args: {SERVICE: shared}}
    command: [stub]
    restart: "no"
  shared:
    build: {context: ., args: {SERVICE: shared}}
    command: [stub]
    ports: ["127.0.0.1:8109:8109"]
    depends_on: {secrets-init: {condition: service_completed_successfully}}
    healthcheck: {test: [CMD, get, "http://127.0.0.1:8109/health/ready"]}
    restart: unless-stopped
"""


class StubProgram:
    starting_every, every, unready_every, failures = 0.05, 0.05, 0.05, 5

    def __init__(self, service: LocalService, folder: Path) -> None:
        assert isinstance(service.probe, Probe)
        self._service = service
        self._folder = folder
        self._probe = service.probe

    async def provide(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    async def command(self) -> Command:
        script = str(Path(__file__).with_name("stub_service.py"))
        argv = [sys.executable, script, str(self._service.ports[0]), str(self._folder)]
        return Command(argv, self._service.command.env, self._folder, stop_timeout=STOP_TIMEOUT)

    async def ready(self) -> Answer:
        return await self._probe.ready()

    async def is_alive(self, answer: Answer) -> bool:
        return await self._probe.is_alive(answer)


class StubJob:
    """Counts its runs in `runs` and exits, with 1 where its folder has a file `exit`."""

    starting_every, every, unready_every, failures = 0.05, 1.0, 1.0, 1

    def __init__(self, service: LocalService, folder: Path) -> None:
        self._service = service
        self._folder = folder

    async def provide(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    async def command(self) -> Command:
        argv = ["/bin/sh", "-c", "echo run >> runs; echo it ran; test ! -e exit"]
        return Command(argv, self._service.command.env, self._folder)

    async def ready(self) -> Answer:
        raise AssertionError("nobody asks a job for its health")

    async def is_alive(self, answer: Answer) -> bool:
        raise AssertionError("nobody asks a job for its health")


def switches(stack: Stack, service: str) -> Path:
    """The folder whose files tell the stub how to behave."""
    folder = stack.folder / "stubs" / service
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def topology(folder: Path) -> Topology:
    file = folder / "compose.yml"
    file.write_text(COMPOSE)
    return load(file, {})


def stub_program(
    service: LocalService, _layout: Layout, stack: Stack, _prerequisites: Prerequisites
) -> StubProgram | StubJob:
    stub = StubJob if service.stated.is_job else StubProgram
    return stub(service, switches(stack, service.name))


def supervisor(stack: Stack, show: Callable[[StackState], None]) -> Supervisor:
    preflight.make_folder(stack)
    return Supervisor(stack, topology(stack.folder), show, programs=stub_program)


async def _run(stack: Stack) -> None:
    await supervisor(stack, lambda _: None).run()


if __name__ == "__main__":
    its = Stack(Path(sys.argv[1]), int(sys.argv[2]))
    preflight.make_folder(its)
    with preflight.exclusive(its):
        asyncio.run(_run(its))
