"""One process of the stack: its own session, its output in a log, ended with all its children."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from devtools.logs import LogFile

_CHUNK = 65536
_LIFELINE = Path(__file__).with_name("lifeline.py")


@dataclass(frozen=True)
class Command:
    """A program ready to start; `env` is its whole environment, `stop_timeout` is in seconds."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stop_signal: int = signal.SIGTERM
    stop_timeout: float = 10.0


class Process:
    def __init__(self, command: Command, started: asyncio.subprocess.Process, log: LogFile) -> None:
        self._command = command
        self._process = started
        self._log = log
        self.pid = started.pid
        self._output = asyncio.create_task(self._take_output())

    @classmethod
    async def start(cls, command: Command, log: LogFile) -> "Process":
        launcher = [sys.executable, "-I", "-S", str(_LIFELINE)]
        started = await asyncio.create_subprocess_exec(
            *launcher,
            str(int(command.stop_signal)),
            str(os.getpid()),
            *command.argv,
            env=dict(command.env),
            cwd=command.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(command, started, log)

    async def wait(self) -> int:
        """Its exit code once it ended; negative for a signal. What it left behind is ended too."""
        code = await self._process.wait()
        kill_session(self.pid)
        await asyncio.wait({self._output}, timeout=1)
        return code

    async def stop(self) -> None:
        """Ask it to end, insist after `stop_timeout`, and leave nothing of its session."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, self._command.stop_signal)
        try:
            await asyncio.wait_for(self.wait(), self._command.stop_timeout)
        except TimeoutError:
            self.kill()
            await self.wait()

    def kill(self) -> None:
        kill_session(self.pid)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def _take_output(self) -> None:
        output = self._process.stdout
        while output and (chunk := await output.read(_CHUNK)):
            self._log.write(chunk)


def kill_session(leader: int) -> None:
    """SIGKILL for every process of the session that `leader` began, itself included."""
    for pid in session_members(leader):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def session_members(leader: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found
