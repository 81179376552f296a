"""The recipes on the engines themselves: they start, come back, and let nobody else in."""

import hashlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from devtools.engines import EngineError, EnginePlace, Recipe, recipe_for
from devtools.engines.cql import Connection, CqlError
from devtools.engines.free_ports import free_ports
from devtools.engines.valkey import USES
from devtools.stack.logs import LogFile
from devtools.stack.process import Command, Process
from devtools.testing.embedded import answers
from devtools.workspace import environments
from devtools.workspace.repository import UV
from devtools.workspace.threads import in_thread

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
    await environments.engines()


@pytest.fixture
def place_of(tmp_path: Path) -> Callable[[str], EnginePlace]:
    def make(name: str) -> EnginePlace:
        for folder in ("secrets", "run"):
            (tmp_path / folder).mkdir()
        place = EnginePlace(
            name, tmp_path / "data", tmp_path / "run", tmp_path / "secrets", free_ports(2)
        )
        set_password(place, PASSWORD)
        return place

    return make


def set_password(place: EnginePlace, password: str) -> None:
    (place.secrets / f"{place.name}.password").write_text(password)
    if place.name in USES:
        digest = hashlib.sha256(password.encode()).hexdigest()
        user = USES[place.name].user
        rules = f"user default off\nuser {user} on #{digest} ~* &* +@all\n"
        (place.secrets / f"{place.name}.acl").write_text(rules)


@dataclass(frozen=True)
class Running:
    process: Process
    recipe: Recipe


@asynccontextmanager
async def running(place: EnginePlace) -> AsyncIterator[Running]:
    recipe = recipe_for(IMAGES[place.name])
    await in_thread(lambda: recipe.fetch(lambda _: None))
    launch = await in_thread(lambda: recipe.prepare(place))
    command = Command(launch.argv, launch.env, launch.cwd, launch.stop_signal, launch.stop_timeout)
    with closing(LogFile(place.run, place.name)) as log:
        process = await Process.start(command, log)
        try:
            await answers(recipe, place)
            yield Running(process, recipe)
        finally:
            await process.stop()


def listens(pid: int) -> set[str]:
    found = psutil.Process(pid).net_connections("tcp")
    return {it.laddr.ip for it in found if it.status == psutil.CONN_LISTEN}


@pytest.mark.parametrize("name", ["postgres", "valkey", "broker", "cassandra"])
async def test_it_starts_twice_and_is_back_after_a_kill(
    place_of: Callable[[str], EnginePlace], name: str
) -> None:
    place = place_of(name)

    async with running(place) as first:
        assert listens(first.process.pid) <= {"127.0.0.1", "::ffff:127.0.0.1"}
        first.process.kill()
        await first.process.wait()
        assert not first.recipe.answers(place)
    async with running(place) as second:
        assert second.recipe.answers(place)


@pytest.mark.parametrize("name", ["postgres", "valkey", "broker"])
async def test_another_password_opens_nothing(
    place_of: Callable[[str], EnginePlace], tmp_path: Path, name: str
) -> None:
    place = place_of(name)
    elsewhere = replace(place, secrets=tmp_path / "others")
    elsewhere.secrets.mkdir()
    set_password(elsewhere, "another")

    async with running(place) as engine:
        assert not engine.recipe.answers(elsewhere)


async def test_a_new_password_of_postgres_holds_from_the_next_start(
    place_of: Callable[[str], EnginePlace],
) -> None:
    place = place_of("postgres")
    async with running(place):
        pass
    set_password(place, "a new one")

    async with running(place) as engine:
        assert engine.recipe.answers(place)


async def test_cassandra_has_no_default_superuser(
    place_of: Callable[[str], EnginePlace],
) -> None:
    place = place_of("cassandra")

    async with running(place):
        with pytest.raises(CqlError, match="incorrect"):
            Connection(place.port, "cassandra", "cassandra")
        with Connection(place.port, "tools", PASSWORD) as owner:
            owner.run("SELECT role FROM system_auth.roles")
    set_password(place, "a new one")
    with pytest.raises(EngineError, match="has another password"):
        recipe_for("cassandra:5.0").prepare(place)


async def test_the_command_of_compose_is_what_valkey_gets(
    place_of: Callable[[str], EnginePlace],
) -> None:
    place = place_of("valkey")
    command = ["valkey-server", "--aclfile", "/secrets/valkey.acl", "--appendonly", "yes"]

    launch = recipe_for("valkey/valkey:9").prepare(replace(place, command=command))

    assert str(place.secrets / "valkey.acl") in launch.argv
    assert launch.argv[-2:] == ["--dir", str(place.data)]
    assert launch.stop_signal == signal.SIGTERM


def test_an_unknown_image_is_refused_with_those_there_are() -> None:
    with pytest.raises(EngineError, match="postgres:18"):
        recipe_for("postgres:17")


async def test_a_silent_port_is_no_answer(place_of: Callable[[str], EnginePlace]) -> None:
    place = place_of("valkey")
    with socket.create_server(("127.0.0.1", place.port)):
        assert not await in_thread(lambda: recipe_for("valkey/valkey:9").answers(place))
