"""./dev check on a copy of this repository, broken in the ways that people break it."""

import shutil
import subprocess
import sys

import pytest

from devtools.checks.tree import LEFT_OUT
from devtools.workspace.repository import ROOT

BROKEN = {
    "back-api/features/profile/infrastructure.py": "import asyncpg",
    "back-api/features/account/domain.py": "import requests\n\nrequests.get('http://rates.example')",
    "back-postgres/routes/users.py": "ALL = 'SELECT * FROM users'",
    "back-api/features/profile/api.py": "import jwt\n\nTOKEN = jwt.encode({}, 'secret')",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command prints on the broken copy, and that it refuses it."""
    copy = tmp_path_factory.mktemp("copy") / "repository"
    caches = {".mypy_cache", ".ruff_cache", ".pytest_cache"}
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT, *caches))
    for file, lines in BROKEN.items():
        with (copy / file).open("a") as end:
            end.write(f"\n{lines}\n")
    command = [sys.executable, "-m", "devtools", "check", "boundaries"]
    done = subprocess.run(command, cwd=copy, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "file,rule,sentence",
    [
        (
            "back-api/features/profile/infrastructure.py",
            "drivers",
            "back-api uses asyncpg: only back-postgres opens that engine. Ask it through the kit's",
        ),
        (
            "back-api/features/account/domain.py",
            "pure-domain",
            "a domain imports requests: calls belong in infrastructure.py, behind a protocol",
        ),
        (
            "back-api/features/account/domain.py",
            "http-clients",
            "back-api uses requests: services call each other through ServiceClient",
        ),
        (
            "back-postgres/routes/users.py",
            "statements",
            "a statement outside repositories/. Make it a method of a repository.",
        ),
        (
            "back-api/features/profile/api.py",
            "signing",
            "back-api uses jwt.encode: tokens are signed in two places: a user's by back-auth",
        ),
    ],
)
def test_what_is_broken_is_named_with_its_line_and_its_place(
    said: str, file: str, rule: str, sentence: str
) -> None:
    section = said.partition(f"\n{rule} (all)\n")[2].partition("\n\n")[0]
    lines = (ROOT / file).read_text().splitlines()
    last = len(lines) + BROKEN[file].count("\n") + 2

    told = next(line for line in section.splitlines() if line.startswith(f"{file}:"))
    line, _, what = told.removeprefix(f"{file}:").partition(": ")

    assert len(lines) < int(line) <= last
    assert what.startswith(sentence)
