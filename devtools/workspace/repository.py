"""Where things are: the repository, what ./dev keeps in `.run`, the folders of one stack."""

import json
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from devtools.workspace.errors import DevError

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".run"
VENVS = RUN / "venvs"
UV = VENVS / "uv" / "bin" / "uv"
COMPOSE_FILE = ROOT / "docker-compose.yml"
NOT_WRITTEN = {".git", ".run", ".venv", "node_modules", "build", "coverage", ".react-router"}
NOT_WRITTEN |= {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".vite"}
"""Folders of what programs make."""


def profile_variables(name: str) -> dict[str, str]:
    """The variables of `<name>.env`, as `docker compose --env-file` reads it."""
    lines = (ROOT / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@dataclass
class Stack:
    """The folders of one running stack; all its ports are shifted by `offset`."""

    folder: Path
    offset: int = 0

    def __post_init__(self) -> None:
        self.logs = self.folder / "logs"
        self.supervisor_log = self.logs / "supervisor.out"
        self.volumes = self.folder / "volumes"
        self.mounts = self.folder / "mounts"
        self.data = self.folder / "data"
        self.engines = self.folder / "engines"
        self.lock = self.folder / "supervisor.lock"
        self.processes = self.folder / "processes.json"

    @classmethod
    def called(cls, name: str, offset: int = 0) -> "Stack":
        """The stack of everyday work has no name; others live below `.run/stacks`."""
        return cls(RUN / "stacks" / name if name else RUN, offset)

    @property
    def control(self) -> Path:
        """A Unix socket; relative where that is shorter, for a path may have 107 bytes only."""
        absolute = self.folder / "control.sock"
        relative = Path(os.path.relpath(absolute))
        return min(absolute, relative, key=lambda path: len(str(path)))


@cache
def members() -> dict[str, Path]:
    """The folder of each member of the uv workspace, the root included, by its package name."""
    folders = [ROOT, *workspace_folders(ROOT)]
    return {pyproject(folder)["project"]["name"]: folder for folder in folders}


def member_of(folder: Path) -> str:
    """The package that holds this folder: its own, or the root's (`shared` has none of its own)."""
    home = folder if (folder / "pyproject.toml").exists() else ROOT
    try:
        return next(name for name, place in members().items() if place == home)
    except StopIteration:
        raise DevError(
            f"{folder.relative_to(ROOT)} is no member of the workspace: list it in pyproject.toml"
        ) from None


def workspace_folders(root: Path) -> list[Path]:
    """The folders of the members of the uv workspace at `root`, in its order."""
    return [root / name for name in pyproject(root)["tool"]["uv"]["workspace"]["members"]]


def written_files(folder: Path, *endings: str) -> Iterator[Path]:
    """The files below `folder` that somebody wrote, in order; with `endings` those alone."""
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.is_dir():
            if entry.name not in NOT_WRITTEN:
                yield from written_files(entry, *endings)
        elif entry.name.endswith(endings or ""):
            yield entry


def pyproject(folder: Path) -> dict[str, Any]:
    """What the pyproject.toml of a folder says."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


def npm_folders(root: Path) -> list[Path]:
    """The folders of the npm workspaces at `root` that exist, in the order of its package.json."""
    if not (root / "package.json").exists():
        return []
    folders = [root / name for name in package_json(root)["workspaces"]]
    return [folder for folder in folders if (folder / "package.json").exists()]


def front_folders(root: Path) -> list[Path]:
    """The npm workspaces that are services: those with pages."""
    return [folder for folder in npm_folders(root) if (folder / "app").is_dir()]


def package_json(folder: Path) -> dict[str, Any]:
    """What the package.json of a folder says."""
    said: dict[str, Any] = json.loads((folder / "package.json").read_text())
    return said
