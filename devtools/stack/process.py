"""One process of the stack: its own session, its output in a log, ended with all its children."""

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

_CHUNK = 65536
_PARENT_DEATH_SIGNAL = Path(__file__).with_name("parent_death_signal.py")
MARKER = "TOOLS_DASHBOARD_STACK"  # the variable by which processes of a stack are found
HAS_DEATH_SIGNAL = sys.platform == "linux"


@cache
def _life_pipe() -> int:
    """The read end of a pipe that ends with this process, whose write end it alone has."""
    read_end, _ = os.pipe()
    return read_end


class Process:
    def __init__(
        self,
        command: Command,
        started: asyncio.subprocess.Process,
        read_end: int,
        log: LogFile,
    ) -> None:
        self._command = command
        self._process = started
        self._log = log
        self.pid = started.pid
        self._output = asyncio.create_task(self._take_output(read_end))

    @classmethod
    async def start(cls, command: Command, log: LogFile) -> "Process":
        """Its output goes through a pipe of our own: asyncio's would hide the end of a process
        for as long as a child of it holds the other end.
        """
        life = -1 if HAS_DEATH_SIGNAL else _life_pipe()
        launcher = [sys.executable, "-I", "-S", str(_PARENT_DEATH_SIGNAL)]
        launcher += map(str, (int(command.stop_signal), os.getpid(), life))
        read_end, write_end = os.pipe()
        try:
            started = await asyncio.create_subprocess_exec(
                *(*launcher, *command.argv),
                env=dict(command.env),
                cwd=command.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
                pass_fds=[] if life < 0 else [life],
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        return cls(command, started, read_end, log)

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

    async def _take_output(self, read_end: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
        )
        try:
            while chunk := await reader.read(_CHUNK):
                self._log.write(chunk)
        finally:
            transport.close()


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
