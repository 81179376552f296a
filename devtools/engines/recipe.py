"""Engines from package registries: what a stack needs to start one, and nothing about when.

A recipe knows one kind of engine. It gets a instance (folders, secrets, a port), puts the engine's
files there and says how to start the process; starting, watching and ending it is the caller's.
"""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from devtools.workspace.errors import DevError
from devtools.workspace.processes import Command


class EngineError(DevError):
    """What stops an engine, in one sentence that says what to do."""


@dataclass(frozen=True)
class EngineInstance:
    """Where one engine of one stack lives.

    `secrets` is the folder with its owner's password files, `command` the arguments that
    docker-compose.yml gives the image (paths in them are the container's), `user` who logs in.
    """

    name: str
    data: Path
    run: Path
    secrets: Path
    port: int
    command: list[str] = field(default_factory=list)
    user: str = "tools"

    @property
    def password_file(self) -> Path:
        return self.secrets / f"{self.name}.password"

    @property
    def password(self) -> str:
        return self.password_file.read_text().strip()


class Recipe(Protocol):
    """How to have one kind of engine. Every method raises EngineError for the person to read."""

    def fetch(self, progress: Callable[[str], None]) -> None:
        """Bring what the engine is made of, verified, into the cache. May take minutes once."""
        ...

    def prepare(self, instance: EngineInstance) -> Command:
        """Lay out data and configuration; a second time changes only what is out of date."""
        ...

    def answers(self, instance: EngineInstance) -> bool:
        """Whether the owner can log in and work. Returns within two seconds."""
        ...


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    while True:
        with ExitStack() as held:
            port = 0
            try:
                for number in range(count):
                    probe = held.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port + number if port else 0))
                    port = port or int(probe.getsockname()[1])
            except OSError:
                continue
            return port
