"""One service of the stack: prepared, started in its turn, watched, restarted."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from devtools.engines import EngineError
from devtools.stack.control import ServiceState, State
from devtools.stack.health import Answer
from devtools.stack.logs import LogFile
from devtools.stack.orphans import Recorded
from devtools.stack.process import Process
from devtools.stack.programs import Program
from devtools.workspace.errors import DevError
from devtools.workspace.processes import in_thread

_LIVE_WITHIN = 60.0
_GIVE_UP_AFTER = 5
_GOOD_RUN = 30.0
_LONGEST_WAIT = 10.0
FIRST_WAIT = 0.5


def next_wait(last: float, healthy_seconds: float) -> float:
    """Seconds before the next start: none after a good run, else doubling from `last`."""
    if healthy_seconds >= _GOOD_RUN:
        return 0.0
    return min(max(2 * last, FIRST_WAIT), _LONGEST_WAIT)


class ServiceRunner:
    """Keeps one service up. `changed` is called whenever its state is another."""

    def __init__(
        self,
        state: ServiceState,
        program: Program,
        log: LogFile,
        changed: Callable[[], None],
        *,
        is_job: bool = False,
    ) -> None:
        self.state = state
        self.depends_on: Mapping[ServiceRunner, str] = {}
        self.was_ready = asyncio.Event()
        self.was_started = asyncio.Event()
        self.record: Recorded | None = None
        self.fatal = ""
        self._starting_since: float | None = None
        self._program = program
        self.log = log
        self._changed = changed
        self._is_job = is_job
        self._process: Process | None = None
        self._restart = asyncio.Event()
        self._failures = 0
        self._ready_since: float | None = None

    async def run(self) -> None:
        """Until it is cancelled, which ends the process. DevError where it can't ever start."""
        self._set_state("preparing")
        await self._program.provide()
        await self._dependencies()
        wait = 0.0
        self._starting_since = time.monotonic()
        while True:
            reason = await self._one_run()
            healthy = time.monotonic() - self._ready_since if self._ready_since else 0.0
            if self._restart.is_set():
                self._restart.clear()
                continue
            if self._is_job:
                await self._end_job(reason)
                continue
            self.log.note("process_ended", reason=reason)
            self._failures += 1
            if self._failures >= _GIVE_UP_AFTER:
                self.fatal = f"{self._failures} starts failed in a row; the last one: {reason}"
            self._set_state("restarting", detail=reason, restarts=self.state.restarts + 1)
            wait = next_wait(wait, healthy)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._restart.wait(), wait)
            self._restart.clear()

    async def restart(self) -> None:
        """End the process and start it again, without waiting; returns once it is ready."""
        self.was_ready.clear()
        self.ask_to_restart()
        await self.was_ready.wait()

    def ask_to_restart(self) -> None:
        """End the process and start it again, in its own time."""
        self._restart.set()

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def is_late(self, seconds: float) -> bool:
        """Whether its first start began that long ago, and it was never up since."""
        began = None if self.was_ready.is_set() else self._starting_since
        return began is not None and time.monotonic() - began > seconds

    async def _dependencies(self) -> None:
        for other, condition in self.depends_on.items():
            event = other.was_started if condition == "service_started" else other.was_ready
            if not event.is_set():
                self._set_state("waiting", detail=f"for {other.state.name}")
                await event.wait()

    async def _end_job(self, reason: str) -> None:
        """Exit code 0 is what dependents wait for; else the stack can't start. Then it rests
        until somebody asks for another run.
        """
        if reason == _exit_reason(0):
            self._set_state("done")
            self.was_ready.set()
        else:
            self.log.note("job_failed", reason=reason)
            self.fatal = reason
            self._set_state("stopped", detail=reason)
        await self._restart.wait()
        self._restart.clear()

    async def _one_run(self) -> str:
        """Why the process ended, or had to be ended."""
        self._ready_since = None
        self._set_state("starting")
        try:
            command = await self._program.command()
        except (DevError, EngineError, OSError) as error:
            return str(error)
        process = self._process = await Process.start(command, self.log)
        began = time.monotonic()
        self.record = Recorded.of(self.state.name, process.pid)
        self._set_state("starting")
        self.was_started.set()
        exited = asyncio.create_task(process.wait())
        failed = None if self._is_job else asyncio.create_task(self._watch(began))
        asked = asyncio.create_task(self._restart.wait())
        ends = [task for task in (exited, failed, asked) if task]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if exited.done():
                return _exit_reason(exited.result())
            return failed.result() if failed and failed.done() else "asked to restart"
        finally:
            for task in ends[1:]:
                task.cancel()
            if not exited.done():
                self._set_state("stopping")
                await process.stop()
                await exited
            self._process = self.record = None
            self._set_state("stopped")

    async def _watch(self, began: float) -> str:
        """Returns the reason why the running process has to be restarted."""
        seen_alive = False
        while not (answer := await self._probe()).is_good:
            seen_alive = seen_alive or answer.status is not None
            if not seen_alive and time.monotonic() - began > _LIVE_WITHIN:
                return f"no answer in its first {_LIVE_WITHIN:g} s: {answer.text}"
            self._set_state("starting", detail=_short(answer.text))
            await asyncio.sleep(self._program.starting_every)
        self._ready_since = time.monotonic()
        self._failures = 0
        self._set_state("ready", ready_after=self._ready_since - began)
        self.was_ready.set()
        failures = 0
        while failures < self._program.failures:
            program = self._program
            await asyncio.sleep(program.every if answer.is_good else program.unready_every)
            answer = await self._probe()
            if answer.is_good:
                self._set_state("ready")
            else:
                self._set_state("unready", detail=_short(answer.text))
            alive = answer.is_good or await self._program.is_alive(answer)
            failures = 0 if alive else failures + 1
        return f"no sign of life {failures} times in a row"

    async def _probe(self) -> Answer:
        if self.log.is_full:
            await in_thread(self.log.rotate)
        return await self._program.ready()

    def _set_state(
        self,
        state: State,
        *,
        detail: str = "",
        restarts: int | None = None,
        ready_after: float | None = None,
    ) -> None:
        new = replace(
            self.state,
            state=state,
            detail=detail,
            pid=self._process.pid if self._process else None,
            restarts=self.state.restarts if restarts is None else restarts,
            ready_after=ready_after or self.state.ready_after,
        )
        if new != self.state:
            self.state = new
            self._changed()


def _exit_reason(code: int) -> str:
    return f"ended by signal {-code}" if code < 0 else f"exited with code {code}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else f"{line[:160]}…"
