"""A fresh engine for one test run: in a temporary place, on a free port, gone afterwards."""

import asyncio
import hashlib
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devtools import environments
from devtools.background import in_thread
from devtools.engines import EngineError, EnginePlace, Recipe, recipe_for
from devtools.logs import LogFile
from devtools.process import Command, Process
from devtools.testing.parts import TestEngine

START_SECONDS = 60.0
POLL_SECONDS = 0.05
ACL_USERS = {"valkey": "back-redis", "broker": "back-workers"}


@asynccontextmanager
async def embedded_engine(engine: TestEngine) -> AsyncIterator[dict[str, str]]:
    """Run the engine; what it gives is the environment with its address and password."""
    await environments.engines()
    recipe = recipe_for(engine.image)
    await in_thread(lambda: recipe.fetch(lambda _: None))
    root = Path(tempfile.mkdtemp(prefix=f"test-{engine.name}-"))
    password = secrets.token_urlsafe(32)
    place = _place(root, engine, password)
    process: Process | None = None
    try:
        launch = await in_thread(lambda: recipe.prepare(place))
        command = Command(launch.argv, launch.env, launch.cwd, launch.stop_signal)
        process = await Process.start(command, LogFile(root, engine.name))
        await _answer(recipe, place)
        yield {
            f"TEST_{engine.prefix}_HOST": "127.0.0.1",
            f"TEST_{engine.prefix}_PORT": str(place.port),
            f"TEST_{engine.prefix}_PASSWORD": password,
        }
    finally:
        if process:
            # Nothing in a test's engine is worth an orderly end.
            process.kill()
            await process.wait()
        shutil.rmtree(root, ignore_errors=True)


async def _answer(recipe: Recipe, place: EnginePlace) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not await in_thread(lambda: recipe.answers(place)):
        if time.monotonic() > deadline:
            said = (place.data.parent / f"{place.name}.log").read_text(errors="replace")
            raise EngineError(f"{place.name} did not start:\n{said[-2000:]}")
        await asyncio.sleep(POLL_SECONDS)


def _place(root: Path, engine: TestEngine, password: str) -> EnginePlace:
    for name in ("secrets", "run"):
        (root / name).mkdir()
    (root / "secrets" / f"{engine.name}.password").write_text(password)
    if user := ACL_USERS.get(engine.name):
        digest = hashlib.sha256(password.encode()).hexdigest()
        rules = f"user default off\nuser {user} on #{digest} ~* &* +@all\n"
        (root / "secrets" / f"{engine.name}.acl").write_text(rules)
    return EnginePlace(engine.name, root / "data", root / "run", root / "secrets", _free_port())


def _free_port() -> int:
    """A port that is free, and the one after it too: Cassandra takes both."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
