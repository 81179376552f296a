"""The fronts' npm packages, installed once for all of them, and their builds.

Both are kept while what they are made of is the same, so that a start runs neither npm nor Vite.
"""

import fcntl
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path

from devtools.engines import node_packages
from devtools.workspace.errors import DevError
from devtools.workspace.processes import in_thread, output_of
from devtools.workspace.repository import ROOT, RUN, npm_folders, written_files

BUILD_SECONDS = 300
KIT = "front-kit"
CONTRACTS = Path("shared") / "contracts" / "generated"
REGISTRY = Path("shared") / "kit" / "contract_registry.json"
LOCK = "package-lock.json"


async def install(root: Path = ROOT) -> Path:
    """Make `node_modules` what the lock says, unless it is; the node that runs it.

    Raises DevError where npm can't bring a package.
    """
    node, _ = await node_packages.node_and_npm()
    stamp = root / "node_modules" / ".installed"
    async with _alone():
        wanted = _digest(root, [root / LOCK, *(it / "package.json" for it in npm_folders(root))])
        if stamp.exists() and stamp.read_text() == wanted:
            return node
        await node_packages.install_locked(root, "--ignore-scripts")
        stamp.write_text(wanted)
    return node


async def build(front: Path, root: Path = ROOT) -> None:
    """Build a front into its `build/`, unless its sources are those of the build that is there.

    Raises DevError with what the build printed where it fails.
    """
    node = await install(root)
    _, npm = await node_packages.node_and_npm()
    stamp = front / "build" / ".built-from"
    async with _alone():
        folders = (root / CONTRACTS, root / KIT, front)
        made_of = chain.from_iterable(map(sources, folders))
        wanted = _digest(root, [root / LOCK, root / REGISTRY, *made_of])
        if stamp.exists() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        environment = {**node_packages.environment_of(node), "NODE_ENV": "production"}
        command = (node, npm, "run", "--silent", "build")
        try:
            code, said = await output_of(command, cwd=front, env=environment, timeout=BUILD_SECONDS)
        except TimeoutError:
            raise DevError(
                f"the build of {front.name} did not end within {BUILD_SECONDS} s"
            ) from None
        if code:
            raise DevError(f"{front.name} can't be built:\n{said}")
        stamp.write_text(wanted)


def development_server(port: int) -> tuple[str, ...]:
    """What node runs in the folder of a front to serve it from its sources."""
    script = ROOT / "node_modules" / "@react-router" / "dev" / "bin.cjs"
    return (str(script), "dev", "--host", "127.0.0.1", "--port", str(port))


def sources(folder: Path) -> Iterator[Path]:
    """What a front is built from below `folder`: all but pages of documentation."""
    return (path for path in written_files(folder) if path.suffix != ".md")


def _digest(root: Path, paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.exists():
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """Stacks of one clone share packages and builds: one of them makes these at a time."""
    RUN.mkdir(parents=True, exist_ok=True)
    with (RUN / "fronts.lock").open("w") as lock:
        await in_thread(lambda: fcntl.flock(lock, fcntl.LOCK_EX))
        yield
