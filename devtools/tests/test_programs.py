import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.engines import EngineError, EngineInstance, wheels
from devtools.stack.layout import Layout
from devtools.stack.programs import EngineProgram, OwnProgram, Prerequisites, program_for
from devtools.tests.stub_stack import topology
from devtools.workspace import environments
from devtools.workspace.processes import Command
from devtools.workspace.repository import Stack


class FakeRecipe:
    def __init__(self) -> None:
        self.fetched = 0
        self.answer: bool | Exception = True

    def fetch(self, progress: Callable[[str], None]) -> None:
        self.fetched += 1
        progress("half of it")

    def prepare(self, instance: EngineInstance) -> Command:
        return Command(["/bin/engine"], {"A": "1"}, instance.data, signal.SIGINT, 7.0)

    def answers(self, instance: EngineInstance) -> bool:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def prerequisites(monkeypatch: pytest.MonkeyPatch) -> Prerequisites:
    async def nothing(*_: object) -> None:
        await asyncio.sleep(0)  # noqa: TID251 - lets the other task run

    monkeypatch.setattr(wheels, "install", nothing)
    monkeypatch.setattr(environments, "sync", nothing)
    return Prerequisites(lambda: None)


@pytest.fixture
def instance(tmp_path: Path) -> EngineInstance:
    (tmp_path / "secrets").mkdir()
    return EngineInstance(
        "postgres", tmp_path / "data", tmp_path / "run", tmp_path / "secrets", 8143
    )


async def test_an_engine_starts_as_its_recipe_says(
    instance: EngineInstance, prerequisites: Prerequisites
) -> None:
    command = await EngineProgram(FakeRecipe(), "postgres:18", instance, prerequisites).command()
    assert (list(command.argv), command.stop_signal) == (["/bin/engine"], signal.SIGINT)
    assert command.stop_timeout == 7.0


async def test_an_engine_is_ready_when_its_recipe_says_so(
    instance: EngineInstance, prerequisites: Prerequisites
) -> None:
    recipe = FakeRecipe()
    program = EngineProgram(recipe, "postgres:18", instance, prerequisites)
    assert (await program.ready()).is_good
    recipe.answer = False
    assert (await program.ready()).text == "does not answer yet"
    recipe.answer = EngineError("no password yet")
    assert (await program.ready()).text == "EngineError: no password yet"
    assert not await program.is_alive(await program.ready())


async def test_what_two_services_share_is_fetched_once(prerequisites: Prerequisites) -> None:
    recipe = FakeRecipe()
    await asyncio.gather(
        prerequisites.engine("valkey/valkey:9", recipe),
        prerequisites.engine("valkey/valkey:9", recipe),
        prerequisites.environment("back-api"),
    )
    assert recipe.fetched == 1
    assert {step.name: step.done for step in prerequisites.steps} == {
        "engine valkey/valkey:9": True,
        "engine wheels": True,
        "environment back-api": True,
    }
    await prerequisites.close()


async def test_a_service_of_the_repository_runs_its_command(
    stack: Stack, prerequisites: Prerequisites
) -> None:
    stack.folder.mkdir()
    it = topology(stack.folder)
    layout = Layout(it, stack)
    service = layout.local(it.services["back-api"])
    program = program_for(service, layout, stack, prerequisites)
    assert isinstance(program, OwnProgram)
    await program.provide()
    command = await program.command()
    assert command.env["UVICORN_PORT"] == str(8100 + stack.offset)
    assert not await program.is_alive(await program.ready())
