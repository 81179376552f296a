"""The programs that a generated tree is finished with: ruff, uv, ./dev contracts sync."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools.workspace import environments
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, UV

_OWN = ["database", "devtools", "features", "main", "repositories", "routes", "shared", "tests"]
# Ruff knows a service's modules by their files, which are not there yet.
_FIRST_PARTY = f"lint.isort.known-first-party = {_OWN}"


def formatted(files: Mapping[Path, str]) -> dict[Path, str]:
    """Python files as the formatter writes them, imports sorted and those without use gone."""
    ruff = asyncio.run(environments.sync("devtools", ("checks",))) / "bin" / "ruff"
    return {
        path: _formatted(ruff, path, text) if path.suffix == ".py" else text
        for path, text in files.items()
    }


def sync_contracts() -> None:
    """Write everything that follows from the contracts; DevError with what it refused."""
    _run([sys.executable, "-m", "devtools", "contracts", "sync"])


def lock() -> None:
    """Bring uv.lock up to date with the members of the workspace."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    _run([str(UV), "lock", "--quiet"], environment)


def _formatted(ruff: Path, path: Path, text: str) -> str:
    imports = ["check", "--quiet", "--select", "I,F401", "--fix", "--exit-zero"]
    imports += ["--config", _FIRST_PARTY]
    for options in (imports, ["format", "--quiet"]):
        text = _run([str(ruff), *options, "--stdin-filename", str(path), "-"], given=text)
    return text


def _run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, given: str = ""
) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        name = " ".join(Path(word).name for word in command[:4])
        raise DevError(f"{name} failed: {'; '.join(said[-5:]) or 'it said nothing'}")
    return done.stdout
