"""One process of the stack: its own session, its output a log file, ended with all its children."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

from devtools.stack.logs import LogFile
from devtools.workspace.processes import Command

_PARENT_DEATH_SIGNAL = Path(__file__).with_name("parent_death_signal.py")
MARKER = "TOOLS_DASHBOARD_STACK"  # the variable by which processes of a stack are found
HAS_DEATH_SIGNAL = sys.platform == "linux"


@cache
def _life_pipe() -> int:
    """The read end of a pipe that ends with this process, whose write end it alone has."""
    read_end, _ = os.pipe()
    return read_end


class Process:
    def __init__(self, command: Command, started: asyncio.subprocess.Process) -> None:
        self._command = command
        self._process = started
        self.pid = started.pid

    @classmethod
    async def start(cls, command: Command, log: LogFile) -> "Process":
        life = -1 if HAS_DEATH_SIGNAL else _life_pipe()
        launcher = [sys.executable, "-I", "-S", str(_PARENT_DEATH_SIGNAL)]
        launcher += map(str, (int(command.stop_signal), os.getpid(), life))
        started = await asyncio.create_subprocess_exec(
            *(*launcher, *command.argv),
            env=dict(command.env),
            cwd=command.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log.fileno(),
            stderr=log.fileno(),
            start_new_session=True,
            pass_fds=[] if life < 0 else [life],
        )
        return cls(command, started)

    async def wait(self) -> int:
        """Its exit code once it ended; negative for a signal. What it left behind is ended too."""
        code = await self._process.wait()
        kill_session(self.pid)
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
