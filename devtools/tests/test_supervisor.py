"""The real supervisor with real processes that stand in for services."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable

import psutil
import pytest
import pytest_asyncio

from devtools.stack import control, orphans, preflight, service_runner
from devtools.stack import supervisor as supervisor_
from devtools.stack.control import ServiceState, StackState, Verb
from devtools.stack.health import get
from devtools.stack.logs import LIMIT
from devtools.stack.process import session_members
from devtools.stack.supervisor import Supervisor
from devtools.tests.conftest import free_offset
from devtools.tests.stub_stack import StubProgram, supervisor, switches
from devtools.workspace.errors import DevError
from devtools.workspace.processes import in_thread
from devtools.workspace.repository import Stack

DEADLINE = 60.0


class Running:
    """A supervisor in a task, and the states that it showed."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.states: list[StackState] = []
        self.supervisor: Supervisor = supervisor(stack, self.states.append)
        self.task = asyncio.create_task(self.supervisor.run())

    def service(self, name: str) -> ServiceState:
        return next(it for it in self.supervisor.state.services if it.name == name)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not holds():
                if self.task.done():
                    await self.task
                await asyncio.sleep(0.02)  # noqa: TID251 - polls until a deadline

    async def ask(self, verb: Verb, service: str) -> ServiceState:
        """The state of a service after what was asked over the control channel."""
        asked = control.Request(verb, service)
        state = await in_thread(lambda: control.ask(self.stack.control, asked))
        return next(it for it in state.services if it.name == service)

    async def until_ready(self) -> None:
        await self.until(lambda: self.supervisor.state.phase == "ready")

    async def stop(self) -> None:
        self.supervisor.ask_to_stop()
        async with asyncio.timeout(DEADLINE):
            await self.task


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A stack that several tests look at, each leaving it ready."""
    it = Running(Stack(tmp_path_factory.mktemp("ready"), free_offset()))
    await it.until_ready()
    yield it
    await it.stop()


@pytest.fixture
async def running(stack: Stack) -> AsyncIterator[Running]:
    it = Running(stack)
    yield it
    if not it.task.done():
        await it.stop()


@pytest.mark.asyncio(loop_scope="module")
class TestAReadyStack:
    async def test_services_start_in_the_order_of_their_dependencies(self, ready: Running) -> None:
        first: dict[str, int] = {}
        for state in ready.states:
            for service in state.services:
                if service.state == "ready":
                    first.setdefault(service.name, len(first))
        order = sorted(first, key=lambda name: first[name])
        assert order == ["shared", "back-postgres", "back-api"]

    async def test_who_waits_for_a_job_starts_after_its_end(self, ready: Running) -> None:
        done = next(
            index
            for index, state in enumerate(ready.states)
            if any(it.name == "secrets-init" and it.state == "done" for it in state.services)
        )
        before = {it.name: it.pid for it in ready.states[done - 1].services}
        assert before["shared"] is None

    async def test_a_job_runs_once_and_again_when_it_is_asked_to(self, ready: Running) -> None:
        runs = switches(ready.stack, "secrets-init") / "runs"
        assert runs.read_text() == "run\n"
        assert (await ready.ask("restart", "secrets-init")).state == "done"
        assert runs.read_text() == "run\nrun\n"

    async def test_a_service_has_its_own_environment_and_the_stacks_mark(
        self, ready: Running
    ) -> None:
        answer = await get(8100 + ready.stack.offset, "/health/ready")
        environment = json.loads(answer.text)["environment"]
        assert environment["UVICORN_PORT"] == str(8100 + ready.stack.offset)
        assert environment["TOOLS_DASHBOARD_STACK"] == str(ready.stack.folder)
        assert "PYTEST_CURRENT_TEST" not in environment

    async def test_the_log_holds_what_the_service_said(self, ready: Running) -> None:
        text = (ready.stack.logs / "back-api.log").read_text()
        assert text == "listening\n"

    async def test_a_full_log_is_rotated_under_the_running_service(self, ready: Running) -> None:
        full = ready.stack.logs / "back-api.log"
        os.truncate(full, LIMIT + 1)
        await ready.until(lambda: full.stat().st_size == 0)
        assert full.with_suffix(".log.1").stat().st_size == LIMIT + 1

    async def test_a_service_that_is_not_ready_is_shown_and_left_alone(
        self, ready: Running
    ) -> None:
        before = ready.service("back-postgres").restarts
        unready = switches(ready.stack, "back-postgres") / "unready"
        unready.touch()
        await ready.until(lambda: ready.service("back-postgres").state == "unready")
        assert ready.service("back-postgres").detail == "not now"
        unready.unlink()
        await ready.until(lambda: ready.service("back-postgres").state == "ready")
        assert ready.service("back-postgres").restarts == before

    async def test_a_killed_service_comes_back(self, ready: Running) -> None:
        before = ready.service("back-api")
        os.kill(before.pid or 0, signal.SIGKILL)
        await ready.until(lambda: ready.service("back-api").restarts == before.restarts + 1)
        await ready.until(lambda: ready.service("back-api").state == "ready")
        assert ready.service("back-api").pid != before.pid
        assert ready.service("shared").restarts == 0

    async def test_a_service_that_shows_no_life_is_restarted(self, ready: Running) -> None:
        before = ready.service("back-postgres").restarts
        dead = switches(ready.stack, "back-postgres") / "dead"
        dead.touch()
        await ready.until(lambda: ready.service("back-postgres").restarts == before + 1)
        dead.unlink()
        await ready.until(lambda: ready.service("back-postgres").state == "ready")

    async def test_the_control_channel_tells_and_restarts(self, ready: Running) -> None:
        assert ready.stack.control.stat().st_mode & 0o077 == 0
        before = await ready.ask("status", "back-api")
        assert before.state == "ready"
        after = await ready.ask("restart", "back-api")
        assert (after.state, after.restarts) == ("ready", before.restarts)
        assert after.pid != before.pid
        with pytest.raises(DevError, match="no service nobody"):
            await ready.ask("restart", "nobody")


async def test_a_service_that_is_not_ready_is_asked_at_an_interval_of_its_own(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.until_ready()
    told = switches(running.stack, "back-postgres")
    (told / "unready").touch()
    await running.until(lambda: running.service("back-postgres").state == "unready")
    monkeypatch.setattr(StubProgram, "every", 3600.0)
    (told / "dead").touch()
    await running.until(lambda: running.service("back-postgres").restarts == 1)


async def test_a_job_that_fails_ends_the_start_with_its_log(stack: Stack) -> None:
    (switches(stack, "secrets-init") / "exit").touch()
    running = Running(stack)
    with pytest.raises(DevError, match=r"secrets-init: exited with code 1\n.*it ran"):
        await running.until_ready()
    assert not any(it.pid for it in running.supervisor.state.services)


async def test_a_service_waits_for_what_is_not_ready(stack: Stack) -> None:
    unready = switches(stack, "back-postgres") / "unready"
    unready.touch()
    running = Running(stack)
    await running.until(lambda: running.service("back-postgres").detail == "not now")
    assert running.service("back-api").state == "waiting"
    assert running.service("back-api").detail == "for back-postgres"
    unready.unlink()
    await running.until_ready()
    await running.stop()


async def test_a_start_ends_for_what_is_late_and_not_for_what_was_up_in_time(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (switches(stack, "shared") / "unready").touch()
    running = Running(stack)
    await running.until(lambda: running.service("shared").detail == "not now")
    monkeypatch.setattr(supervisor_, "READY_WITHIN", 0.0)
    with pytest.raises(DevError, match=r"^shared: not ready within 0 s: not now"):
        await running.until_ready()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_every_process_in_reverse_order(
    running: Running, number: signal.Signals
) -> None:
    await running.until_ready()
    pids = [it.pid for it in running.supervisor.state.services if it.pid]
    assert len(pids) == 3
    os.kill(os.getpid(), number)
    async with asyncio.timeout(DEADLINE):
        await running.task
    assert not any(session_members(pid) for pid in pids)
    gone: list[str] = []
    for state in running.states:
        gone += [it.name for it in state.services if it.state == "stopped" and it.name not in gone]
    assert gone == ["back-api", "back-postgres", "shared"]
    assert orphans.recorded(running.stack) == []
    assert all(preflight.is_free(port + running.stack.offset) for port in (8100, 8103, 8109))


async def test_children_of_a_killed_service_are_ended_before_its_next_start(stack: Stack) -> None:
    folder = switches(stack, "back-api")
    (folder / "child").touch()
    running = Running(stack)
    await running.until_ready()
    child = int((folder / "child.pid").read_text())
    os.kill(running.service("back-api").pid or 0, signal.SIGKILL)
    await running.until(lambda: not psutil.pid_exists(child))
    await running.stop()


async def test_a_service_that_never_starts_fails_the_start_with_its_last_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_runner, "next_wait", lambda *_: 0.05)
    (switches(stack, "back-postgres") / "exit").touch()
    running = Running(stack)
    with pytest.raises(DevError) as failed:
        async with asyncio.timeout(DEADLINE):
            await running.task
    said = str(failed.value)
    assert said.startswith("back-postgres: 5 starts failed in a row; the last one: exited with")
    assert "told to exit" in said
    assert all(it.pid is None for it in running.supervisor.state.services)


async def test_the_control_channel_ends(running: Running) -> None:
    await running.until_ready()
    await running.ask("down", "shared")
    async with asyncio.timeout(DEADLINE):
        await running.task
    with pytest.raises(control.NotRunning):
        control.ask(running.stack.control, control.Request("status"))


async def test_a_second_request_to_stop_waits_for_nobody(running: Running) -> None:
    await running.until_ready()
    os.kill(running.service("shared").pid or 0, signal.SIGSTOP)
    running.supervisor.ask_to_stop()
    running.supervisor.ask_to_stop()
    async with asyncio.timeout(DEADLINE):
        await running.task
