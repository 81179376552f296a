"""A fresh engine for one test run: in a temporary instance, on a free port, gone afterwards."""

import asyncio
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devtools.engines import EngineError, EngineInstance, Recipe, recipe_for, wheels
from devtools.engines.free_ports import free_ports
from devtools.engines.valkey import ACL_USERS, write_acl
from devtools.stack.logs import LogFile
from devtools.stack.process import Process
from devtools.testing.parts import PartEngine
from devtools.workspace.threads import in_thread

START_SECONDS = 60.0
POLL_SECONDS = 0.05

# Test data need not survive a crash of the machine.
UNSYNCED = ["postgres", "--fsync=off", "--synchronous_commit=off", "--full_page_writes=off"]


@asynccontextmanager
async def embedded_engine(engine: PartEngine) -> AsyncIterator[dict[str, str]]:
    """Run the engine; yields environment variables with its address and password."""
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
        yield {
            f"TEST_{engine.prefix}_HOST": "127.0.0.1",
            f"TEST_{engine.prefix}_PORT": str(instance.port),
            f"TEST_{engine.prefix}_PASSWORD": password,
        }
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
    for name in ("secrets", "run"):
        (root / name).mkdir()
    (root / "secrets" / f"{engine.name}.password").write_text(password)
    command = UNSYNCED if engine.name == "postgres" else []
    instance = EngineInstance(
        engine.name,
        root / "data",
        root / "run",
        root / "secrets",
        free_ports(2),  # Cassandra takes two
        command,
    )
    if engine.name in ACL_USERS:
        write_acl(instance, password)
    return instance
