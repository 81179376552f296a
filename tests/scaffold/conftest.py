"""A copy of this tree in which services and features are generated, checked and removed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.scaffold.clone import ROOT, Clone


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("clone"))
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (clone.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone.root / name)
    clone.git("init", "--quiet")
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "The tree as it stands")
    return clone


@pytest.fixture
def clone(tree: Clone) -> Iterator[Clone]:
    """The copy as it was at the beginning; what has no place in git stays between tests."""
    tree.renew()
    yield tree
    tree.renew()


@pytest.fixture(scope="session")
def uv() -> str:
    own = ROOT / ".run" / "venvs" / "uv" / "bin" / "uv"
    return str(own) if own.exists() else shutil.which("uv") or pytest.fail(f"no uv at {own}")


@pytest.fixture(scope="session")
def python() -> str:
    return getattr(sys, "_base_executable", sys.executable)
