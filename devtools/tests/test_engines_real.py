"""The recipes on the engines themselves: they start, come back, and let nobody else in."""

import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from devtools.engines import EngineError, EngineInstance, Recipe, cql, recipe_for, wheels
from devtools.engines.recipe import free_ports
from devtools.engines.valkey import write_acl
from devtools.stack.logs import LogFile
from devtools.stack.process import Process
from devtools.testing.engines import answers
from devtools.workspace.processes import in_thread
from devtools.workspace.repository import UV

IMAGES = {
    "postgres": "postgres:18",
    "valkey": "valkey/valkey:9",
    "broker": "valkey/valkey:9",
    "cassandra": "cassandra:5.0",
}
PASSWORD = "it's a pässword"

pytestmark = pytest.mark.skipif(not UV.exists(), reason="environments are made by ./dev")


@pytest.fixture(autouse=True)
async def _wheels() -> None:
    await wheels.install()


@pytest.fixture
def instance_of(tmp_path: Path) -> Callable[[str], EngineInstance]:
    def make(name: str) -> EngineInstance:
        for folder in ("secrets", "run"):
            (tmp_path / folder).mkdir()
        instance = EngineInstance(
            name, tmp_path / "data", tmp_path / "run", tmp_path / "secrets", free_ports(2)
        )
        set_password(instance, PASSWORD)
        return instance

    return make


def set_password(instance: EngineInstance, password: str) -> None:
    (instance.secrets / f"{instance.name}.password").write_text(password)
    if instance.name in {"valkey", "broker"}:
        write_acl(instance, password)


@dataclass(frozen=True)
class Running:
    process: Process
    recipe: Recipe


@asynccontextmanager
async def running(instance: EngineInstance) -> AsyncIterator[Running]:
    recipe = recipe_for(IMAGES[instance.name])
    await in_thread(lambda: recipe.fetch(lambda _: None))
    command = await in_thread(lambda: recipe.prepare(instance))
    with closing(LogFile(instance.run, instance.name)) as log:
        process = await Process.start(command, log)
        try:
            await answers(recipe, instance)
            yield Running(process, recipe)
        finally:
            await process.stop()


def listens(pid: int) -> set[str]:
    found = psutil.Process(pid).net_connections("tcp")
    return {it.laddr.ip for it in found if it.status == psutil.CONN_LISTEN}


@pytest.mark.parametrize("name", ["postgres", "valkey", "broker"])
async def test_it_comes_back_after_a_kill_and_only_its_owner_logs_in(
    instance_of: Callable[[str], EngineInstance], tmp_path: Path, name: str
) -> None:
    instance = instance_of(name)
    elsewhere = replace(instance, secrets=tmp_path / "others")
    elsewhere.secrets.mkdir()
    set_password(elsewhere, "another")

    async with running(instance) as first:
        assert listens(first.process.pid) <= {"127.0.0.1", "::ffff:127.0.0.1"}
        assert not first.recipe.answers(elsewhere)
        first.process.kill()
        await first.process.wait()
        assert not first.recipe.answers(instance)
    set_password(instance, "a new one")
    async with running(instance) as second:
        assert second.recipe.answers(instance)


async def test_cassandra_knows_its_owner_alone(
    instance_of: Callable[[str], EngineInstance],
) -> None:
    instance = instance_of("cassandra")

    async with running(instance) as engine:
        assert listens(engine.process.pid) <= {"127.0.0.1", "::ffff:127.0.0.1"}
        with pytest.raises(cql.CqlError, match="incorrect"):
            cql.run(instance.port, "cassandra", "cassandra")
        cql.run(instance.port, "tools", PASSWORD, "SELECT role FROM system_auth.roles")
    recipe_for("cassandra:5.0").prepare(instance)
    set_password(instance, "a new one")
    with pytest.raises(EngineError, match="has another password"):
        recipe_for("cassandra:5.0").prepare(instance)


async def test_the_command_of_compose_is_what_valkey_gets(
    instance_of: Callable[[str], EngineInstance],
) -> None:
    instance = instance_of("valkey")
    command = ["valkey-server", "--aclfile", "/secrets/valkey.acl", "--appendonly", "yes"]

    launch = recipe_for("valkey/valkey:9").prepare(replace(instance, command=command))

    assert str(instance.secrets / "valkey.acl") in launch.argv
    assert launch.argv[-2:] == ["--dir", str(instance.data)]
    assert launch.stop_signal == signal.SIGTERM


def test_an_unknown_image_is_refused_with_those_there_are() -> None:
    with pytest.raises(EngineError, match="postgres:18"):
        recipe_for("postgres:17")


async def test_a_silent_port_is_no_answer(instance_of: Callable[[str], EngineInstance]) -> None:
    instance = instance_of("valkey")
    with socket.create_server(("127.0.0.1", instance.port)):
        assert not await in_thread(lambda: recipe_for("valkey/valkey:9").answers(instance))
