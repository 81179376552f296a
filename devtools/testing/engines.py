"""A fresh engine for the tests of one part: a process of this machine, or a container."""

import asyncio
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from devtools.engines import EngineError, EngineInstance, Recipe, recipe_for, wheels
from devtools.engines.recipe import free_ports
from devtools.engines.valkey import write_acl
from devtools.stack.logs import LogFile
from devtools.stack.process import Process
from devtools.workspace.errors import DevError
from devtools.workspace.processes import in_thread

START_SECONDS = 60.0
POLL_SECONDS = 0.05

# Test data need not survive a crash of the machine.
UNSYNCED = ["postgres", "--fsync=off", "--synchronous_commit=off", "--full_page_writes=off"]


@dataclass(frozen=True)
class PartEngine:
    """The engine a part's tests want; its address comes as `TEST_{prefix}_HOST` and so on."""

    name: str
    image: str
    prefix: str
    user: str

    @property
    def kind(self) -> str:
        """The image without its tag."""
        return self.image.partition(":")[0]

    def variables(self, host: str, port: int, password: str) -> dict[str, str]:
        told = {"HOST": host, "PORT": str(port), "PASSWORD": password}
        return {f"TEST_{self.prefix}_{key}": value for key, value in told.items()}


@asynccontextmanager
async def embedded_engine(engine: PartEngine) -> AsyncIterator[dict[str, str]]:
    """Run it on a free port; yields environment variables with its address and password."""
    await wheels.install()
    recipe = recipe_for(engine.image)
    await in_thread(lambda: recipe.fetch(lambda _: None))
    root = Path(tempfile.mkdtemp(prefix=f"test-{engine.name}-"))
    password = secrets.token_urlsafe(32)
    instance = _instance(root, engine, password)
    log = LogFile(root, engine.name)
    process: Process | None = None
    try:
        command = await in_thread(lambda: recipe.prepare(instance))
        process = await Process.start(command, log)
        try:
            await answers(recipe, instance)
        except EngineError as error:
            said = "\n".join(str(entry.get("event")) for entry in log.last_entries(20))
            raise EngineError(f"{error}:\n{said}") from error
        yield engine.variables("127.0.0.1", instance.port, password)
    finally:
        if process:
            # Test data is discarded, so the engine is killed.
            process.kill()
            await process.wait()
        log.close()
        shutil.rmtree(root, ignore_errors=True)


async def answers(recipe: Recipe, instance: EngineInstance) -> None:
    """Wait until the owner can work with the engine; EngineError when it takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not await in_thread(lambda: recipe.answers(instance)):
        if time.monotonic() > deadline:
            raise EngineError(f"{instance.name} does not answer after {START_SECONDS:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


def _instance(root: Path, engine: PartEngine, password: str) -> EngineInstance:
    data, run, own_secrets = (root / name for name in ("data", "run", "secrets"))
    run.mkdir()
    own_secrets.mkdir()
    command = UNSYNCED if engine.kind == "postgres" else []
    port = free_ports(2)  # Cassandra takes two
    instance = EngineInstance(engine.name, data, run, own_secrets, port, command, engine.user)
    instance.password_file.write_text(password)
    if engine.kind == "valkey/valkey":
        write_acl(instance, password)
    return instance


@dataclass(frozen=True)
class _Image:
    """How an image is started, and the log line that says it is ready, which comes `times`."""

    port: int
    ready: str = "eady to accept connections"
    times: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()


def _image(engine: PartEngine, password: str) -> _Image:
    match engine.kind:
        case "postgres":
            given = {"POSTGRES_USER": "tools", "POSTGRES_DB": "tools"}
            given["POSTGRES_PASSWORD"] = password
            return _Image(5432, times=2, environment=given)  # once by the server that sets it up
        case "cassandra":
            alone = "-Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.ring_delay_ms=1000"
            given = {"CASSANDRA_NUM_TOKENS": "1", "MAX_HEAP_SIZE": "384M", "JVM_EXTRA_OPTS": alone}
            return _Image(9042, "Starting listening for CQL clients", environment=given)
    user = ["--user", engine.user, "on", f">{password}", "~*", "&*", "+@all"]
    return _Image(6379, command=["valkey-server", "--user", "default", "off", *user])


@asynccontextmanager
async def container_engine(engine: PartEngine) -> AsyncIterator[dict[str, str]]:
    """The same as a container of its image, by testcontainers."""
    # Containers are stopped here, so the image of Ryuk is not needed.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    await wheels.install("docker-engines")
    containers = import_module("testcontainers.core.container")
    waiting = import_module("testcontainers.core.wait_strategies")
    password = "" if engine.kind == "cassandra" else secrets.token_hex(32)  # its image has none
    image = _image(engine, password)
    container = containers.DockerContainer(engine.image).with_exposed_ports(image.port)
    container.with_envs(**image.environment)
    if image.command:
        container.with_command(list(image.command))
    container.waiting_for(waiting.LogMessageWaitStrategy(image.ready, times=image.times))
    starting = asyncio.ensure_future(in_thread(container.start))
    try:
        await asyncio.shield(starting)
        host, port = container.get_container_host_ip(), container.get_exposed_port(image.port)
        yield engine.variables(host, port, password)
    except import_module("docker.errors").DockerException as error:
        raise DevError(f"Docker could not start {engine.image}: {error}") from error
    finally:
        await asyncio.wait({starting})
        await in_thread(container.stop)
