"""The same engines as containers, by testcontainers: ./dev test --engines docker."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module

from devtools.engines import wheels
from devtools.testing.parts import PartEngine
from devtools.workspace.errors import DevError
from devtools.workspace.threads import in_thread


@dataclass(frozen=True)
class Setup:
    """How an image is started with a password, and the log line that says it is ready.

    `times` is how often that line comes: PostgreSQL's first is of the server that sets it up.
    """

    port: int
    ready: str
    environment: Callable[[str], dict[str, str]] = lambda _: {}
    command: Callable[[str], list[str]] = lambda _: []
    times: int = 1
    has_password: bool = True


def _postgres(password: str) -> dict[str, str]:
    return {"POSTGRES_USER": "tools", "POSTGRES_DB": "tools", "POSTGRES_PASSWORD": password}


def _valkey(user: str) -> Callable[[str], list[str]]:
    def command(password: str) -> list[str]:
        rules = ["on", f">{password}", "~*", "&*", "+@all"]
        return ["valkey-server", "--user", "default", "off", "--user", user, *rules]

    return command


def _cassandra(_: str) -> dict[str, str]:
    alone = "-Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.ring_delay_ms=1000"
    return {"CASSANDRA_NUM_TOKENS": "1", "MAX_HEAP_SIZE": "384M", "JVM_EXTRA_OPTS": alone}


ACCEPTS = "eady to accept connections"
SETUPS = {
    "postgres": Setup(5432, ACCEPTS, environment=_postgres, times=2),
    "valkey": Setup(6379, ACCEPTS, command=_valkey("back-redis")),
    "broker": Setup(6379, ACCEPTS, command=_valkey("back-workers")),
    "cassandra": Setup(
        9042, "Starting listening for CQL clients", environment=_cassandra, has_password=False
    ),
}


@asynccontextmanager
async def container_engine(engine: PartEngine) -> AsyncIterator[dict[str, str]]:
    """Run the image; yields environment variables with its address and password."""
    # Containers are stopped here, so the image of Ryuk is not needed.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    await wheels.install("docker-engines")
    containers = import_module("testcontainers.core.container")
    waiting = import_module("testcontainers.core.wait_strategies")
    setup = SETUPS[engine.name]
    password = secrets.token_hex(32) if setup.has_password else ""
    container = containers.DockerContainer(engine.image).with_exposed_ports(setup.port)
    container.with_envs(**setup.environment(password))
    if command := setup.command(password):
        container.with_command(command)
    container.waiting_for(waiting.LogMessageWaitStrategy(setup.ready, times=setup.times))
    starting = asyncio.ensure_future(in_thread(container.start))
    try:
        await asyncio.shield(starting)
        yield {
            f"TEST_{engine.prefix}_HOST": container.get_container_host_ip(),
            f"TEST_{engine.prefix}_PORT": str(container.get_exposed_port(setup.port)),
            f"TEST_{engine.prefix}_PASSWORD": password,
        }
    except import_module("docker.errors").DockerException as error:
        raise DevError(f"Docker could not start {engine.image}: {error}") from error
    finally:
        await asyncio.wait({starting})
        await in_thread(container.stop)
