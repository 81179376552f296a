"""A stub of one service: its document, made ready for Prism, and the command that serves it."""

import json
from collections.abc import Mapping
from pathlib import Path

from devtools.stack.health import Answer, Probe
from devtools.stack.layout import LocalService
from devtools.stack.prerequisites import Prerequisites
from devtools.stack.process import Command
from devtools.stack.stub import document, prism
from devtools.workspace.repository import ROOT, Stack

STOP_SECONDS = 3.0


def prepare(service: str, folder: Path, root: Path = ROOT) -> Path:
    """Writes what Prism serves for `service` into `folder`; DevError where it has no document."""
    served = document.served(document.read(root, service))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{service}.json"
    path.write_text(json.dumps(served))
    return path


class StubProgram:
    """Stands in for a service in a stack, at the same port."""

    live_every, live_failures, ready_every = 1.0, 5, 2.0

    def __init__(self, service: LocalService, stack: Stack, prerequisites: Prerequisites) -> None:
        self._name = service.name
        self._port = service.ports[0]
        self._environment: Mapping[str, str] = service.environment
        self._folder = stack.folder / "stubs"
        self._prerequisites = prerequisites
        self._probe = Probe(self._port, "/health/ready")

    async def provide(self) -> None:
        await self._prerequisites.prism()

    async def command(self) -> Command:
        path = prepare(self._name, self._folder)
        argv = (await prism.installed()).serves(path, self._port)
        return Command(argv, self._environment, self._folder, stop_timeout=STOP_SECONDS)

    async def ready(self) -> Answer:
        return await self._probe.ready()

    async def live(self) -> bool:
        return await self._probe.live()
