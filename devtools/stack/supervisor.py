"""Runs a whole stack: starts it in order, keeps it up, ends it in reverse, answers who asks."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from devtools.stack import orphans, watch
from devtools.stack.control import Phase, Request, ServiceState, StackState, serving
from devtools.stack.layout import Layout, LocalService
from devtools.stack.logs import LogFile, line
from devtools.stack.programs import Prerequisites, Program, program_for
from devtools.stack.service_runner import ServiceRunner
from devtools.stack.topology import Topology
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, Stack

READY_WITHIN = 180.0
_LAST_LINES = 15
_TICK = 0.2

Programs = Callable[[LocalService, Layout, Stack, Prerequisites], Program]


class Supervisor:
    """`show` gets the state of the stack whenever it changed, and some times a second at start.

    A service in Python is restarted when its code below `watched` changed.
    """

    def __init__(
        self,
        stack: Stack,
        topology: Topology,
        show: Callable[[StackState], None],
        *,
        without: Collection[str] = (),
        stubs: Collection[str] = (),
        programs: Programs = program_for,
        watched: Path | None = None,
    ) -> None:
        self._stack = stack
        self._show = show
        self._without = list(without)
        self._stubs = list(stubs)
        self._watched = watched
        self._phase: Phase = "starting"
        self._failure = ""
        self._began = time.monotonic()
        self._seconds = 0.0
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._prerequisites = Prerequisites(self._changed.set)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._folders: dict[str, Path] = {}
        self._recorded: list[orphans.Recorded] | None = None
        self._runners = self._make_runners(topology, programs)

    @property
    def state(self) -> StackState:
        return StackState(
            phase=self._phase,
            pid=os.getpid(),
            offset=self._stack.offset,
            services=[runner.state for runner in self._runners.values()],
            steps=self._prerequisites.steps,
            seconds=self._seconds or time.monotonic() - self._began,
            failure=self._failure,
            without=self._without,
            stubs=self._stubs,
        )

    async def run(self) -> None:
        """Until it is asked to stop. DevError, with the culprit's log, when the start fails."""
        self._listen_to_signals()
        async with serving(self._stack.control, self._answer):
            for name, runner in self._runners.items():
                self._tasks[name] = asyncio.create_task(runner.run())
            watching = asyncio.create_task(self._restart_changed())
            try:
                await self._until_stopped()
            finally:
                watching.cancel()
                await self._shut_down()
        if self._failure:
            raise DevError(self._failure)

    def ask_to_stop(self) -> None:
        """End everything; asked a second time, without waiting for anyone."""
        if self._stop.is_set():
            for runner in self._runners.values():
                runner.kill()
        self._stop.set()
        self._changed.set()

    async def _until_stopped(self) -> None:
        while not self._stop.is_set() and not self._failure:
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    self._changed.wait(), _TICK if self._phase == "starting" else None
                )
            self._changed.clear()
            self._publish_state()
            if self._phase == "starting":
                self._failure = self._fatal_reason()
                if all(runner.state.is_up for runner in self._runners.values()):
                    self._phase = "ready"
                    self._seconds = time.monotonic() - self._began
                    self._publish_state()

    async def _restart_changed(self) -> None:
        if not self._watched:
            return
        async for names in watch.changes(self._folders, self._watched):
            for name in sorted(names):
                self._runners[name].ask_to_restart()

    async def _shut_down(self) -> None:
        """Whoever depends on a service ends before it; those that nobody waits for, together."""
        self._phase = "failed" if self._failure else "stopping"
        ends = {name: asyncio.Event() for name in self._runners}
        dependents: dict[str, list[str]] = {name: [] for name in self._runners}
        for name, runner in self._runners.items():
            for other in runner.depends_on:
                dependents[other.state.name].append(name)

        async def end(name: str) -> None:
            for dependent in dependents[name]:
                await ends[dependent].wait()
            task = self._tasks[name]
            task.cancel()
            await asyncio.wait({task})
            ends[name].set()
            self._publish_state()

        await asyncio.gather(*(end(name) for name in self._runners))
        await self._prerequisites.close()
        for runner in self._runners.values():
            runner.log.close()
        orphans.end(self._stack)

    def _fatal_reason(self) -> str:
        for name, task in self._tasks.items():
            if task.done() and (error := task.exception()):
                return f"{name}: {error}"
        for runner in self._runners.values():
            reason = runner.fatal
            if not reason and runner.is_late(READY_WITHIN):
                reason = f"not ready within {READY_WITHIN:g} s: {runner.state.detail}"
            if reason:
                lines = [line(entry).plain for entry in runner.log.last_entries(_LAST_LINES)]
                return "\n".join([f"{runner.state.name}: {reason}", *lines])
        return ""

    def _publish_state(self) -> None:
        running = [runner.record for runner in self._runners.values() if runner.record]
        if running != self._recorded:
            with suppress(OSError):  # on a full disk orphans are found by their mark
                orphans.record(self._stack, running)
                self._recorded = running
        self._show(self.state)

    async def _answer(self, request: Request) -> str:
        if request.verb == "down":
            self.ask_to_stop()
        if request.verb == "restart":
            if request.service not in self._runners:
                raise DevError(f"no service {request.service} in this stack")
            await self._runners[request.service].restart()
        return self.state.to_json()

    def _make_runners(self, topology: Topology, programs: Programs) -> dict[str, ServiceRunner]:
        layout = Layout(topology, self._stack)
        runners: dict[str, ServiceRunner] = {}
        for service in topology.services.values():
            layout.make_folders(service)
            local = layout.local(service)
            if local.member and not service.is_job and not service.is_stub:
                self._folders[local.name] = ROOT / (service.folder or "")
            state = ServiceState(local.name, "waiting", list(local.ports))
            program = programs(local, layout, self._stack, self._prerequisites)
            log = LogFile(self._stack.logs, local.name)
            runners[local.name] = ServiceRunner(
                state, program, log, self._changed.set, is_job=service.is_job
            )
        for service in topology.services.values():
            runners[service.name].depends_on = {
                runners[name]: condition for name, condition in service.depends_on.items()
            }
        return runners

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.ask_to_stop)
