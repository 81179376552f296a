"""What a supervisor that was killed left behind: found by record, session and marker, and ended."""

import json
import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass

import psutil

from devtools.stack.process import MARKER, session_members
from devtools.workspace.repository import Stack

_CLOCK_TOLERANCE = 2.0
_PATIENCE = 5.0


@dataclass(frozen=True)
class Recorded:
    """A process that was started; `started` (seconds since 1970) tells it from a later namesake."""

    service: str
    pid: int
    started: float

    @classmethod
    def of(cls, service: str, pid: int) -> "Recorded":
        try:
            return cls(service, pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return cls(service, pid, time.time())

    @property
    def is_someone_else(self) -> bool:
        """Whether the pid was given anew. It can't be while its session still has a member."""
        try:
            started = psutil.Process(self.pid).create_time()
        except psutil.NoSuchProcess:
            return False
        return abs(started - self.started) > _CLOCK_TOLERANCE


def record(stack: Stack, processes: Iterable[Recorded]) -> None:
    """Write down what runs, in one step, so that a kill leaves the old or the new record."""
    draft = stack.processes.with_suffix(".new")
    draft.write_text(json.dumps([asdict(process) for process in processes]))
    draft.replace(stack.processes)


def recorded(stack: Stack) -> list[Recorded]:
    try:
        return [Recorded(**entry) for entry in json.loads(stack.processes.read_text())]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def find(stack: Stack) -> dict[int, str]:
    """Every process of this stack that still lives, and the service that it belonged to."""
    services: dict[int, str] = {}
    for entry in recorded(stack):
        if not entry.is_someone_else:
            services.update(dict.fromkeys(session_members(entry.pid), entry.service))
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARKER) == str(stack.folder):
                services.setdefault(process.pid, process.name())
    services.pop(os.getpid(), None)
    return services


def end(stack: Stack) -> dict[int, str]:
    """End what `find` finds, by SIGTERM and then SIGKILL, and empty the record. What it found."""
    found = find(stack)
    alive = []
    for pid in found:
        with suppress(psutil.NoSuchProcess):
            alive.append(psutil.Process(pid))
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, alive = psutil.wait_procs(alive, timeout=_PATIENCE)
    record(stack, [])
    return found
