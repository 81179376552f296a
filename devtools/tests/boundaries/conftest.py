"""A copy of this repository in which a test breaks one rule and puts it right again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devtools.checks.tree import Tree
from devtools.workspace.repository import NOT_WRITTEN, ROOT

Break = Callable[[str, str], None]
Run = Callable[..., str]


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("copy") / "repository"
    ignore = shutil.ignore_patterns(*NOT_WRITTEN)
    shutil.copytree(ROOT, made, symlinks=True, ignore=ignore)
    return made


@pytest.fixture
def tree(copy: Path) -> Tree:
    return Tree(copy)


@pytest.fixture
def add(copy: Path) -> Iterator[Break]:
    """Adds a line at the end of a file, or a file, for one test."""
    before: dict[Path, str | None] = {}

    def add(name: str, text: str) -> None:
        path = copy / name
        before.setdefault(path, path.read_text() if path.exists() else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{before[path] or ''}{text}\n")

    yield add
    for path, text in before.items():
        path.unlink() if text is None else path.write_text(text)


@pytest.fixture
def replace(copy: Path, add: Break) -> Callable[[str, str, str], None]:
    """Replaces a text in a file for one test."""

    def replace(name: str, old: str, new: str) -> None:
        add(name, "")
        text = (copy / name).read_text()
        assert old in text
        (copy / name).write_text(text.replace(old, new, 1))

    return replace


@pytest.fixture
def refused(copy: Path) -> Run:
    """Runs a program of this environment in a folder of the copy: what it says when it fails."""

    def run(folder: str, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            cwd=copy / folder,
            env={**os.environ, "PYTHONPATH": str(copy), "NO_COLOR": "1", "COLUMNS": "200"},
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode, f"{program} refused nothing: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run
