"""A copy of what contracts, models and services say, to break on purpose."""

import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from fastapi import FastAPI

from devtools.contracts import generated_files, stub_routes
from devtools.contracts.check import Tree
from devtools.workspace.repository import ROOT, npm_folders
from shared.testing.contracts.schema import Contract, Endpoint

_LEFT_OUT = shutil.ignore_patterns(
    "tests", "__pycache__", ".*", "migrations", "templates", "node_modules", "build"
)


def remember_documents() -> None:
    """Make each service's document once for the same endpoints: most copies change few of them."""
    made: dict[str, FastAPI] = {}
    make = stub_routes._api

    def api(
        name: str, version: str, contracts: Iterable[Contract], wanted: Callable[[Endpoint], bool]
    ) -> FastAPI:
        listed = list(contracts)
        endpoints = [
            (it.name, endpoint.model_dump_json())
            for it in listed
            for endpoint in filter(wanted, it.endpoints)
        ]
        key = repr((name, version, endpoints))
        if key not in made:
            made[key] = make(name, version, listed, wanted)
        return made[key]

    stub_routes._api = api


class Copy:
    """The copy at `root`; each `tree()` reads it anew."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def of_the_repository(cls, root: Path) -> "Copy":
        for name in ("pyproject.toml", "docker-compose.yml"):
            shutil.copy(ROOT / name, root / name)
        if (ROOT / "package.json").exists():
            shutil.copy(ROOT / "package.json", root)
        fronts = [folder.name for folder in npm_folders(ROOT)]
        for name in ["shared", "back-gateway", *Tree(ROOT).services, *fronts]:
            shutil.copytree(ROOT / name, root / name, ignore=_LEFT_OUT)
        return cls(root)

    def again(self, root: Path) -> "Copy":
        return Copy(Path(shutil.copytree(self.root, root)))

    def tree(self) -> Tree:
        return Tree(self.root)

    def sync(self) -> generated_files.Changes:
        """Write every generated file but types.ts, which is Node's to write."""
        return generated_files.sync(self.root, self.tree().texts)

    def replace(self, path: str, old: str, new: str) -> None:
        """Put `new` for the first `old` in a file; it must be there."""
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1))

    def line(self, path: str, text: str) -> int:
        """The number of the first line with `text`."""
        lines = (self.root / path).read_text().splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)

    def commit(self) -> str:
        """Record everything in git; the revision."""
        for arguments in (
            ["init", "--quiet"],
            ["add", "--all"],
            ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "t"],
        ):
            subprocess.run(["git", *arguments], cwd=self.root, check=True)
        return "HEAD"
