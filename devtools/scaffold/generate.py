"""Adds, removes and copies features and services, first in a copy of the tree.

The repository gets all files of an operation or, when a step of it fails, none.
"""

import ast
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from filecmp import cmpfiles
from importlib import import_module
from pathlib import Path

import yaml

from devtools.engines import wheels
from devtools.scaffold import edits, status
from devtools.scaffold.edits import Edit
from devtools.scaffold.names import RESERVED
from devtools.workspace import environments
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, RUN, UV, written_files

TEMPLATES = Path("devtools", "scaffold", "templates")
VERSIONS = Path("back-postgres", "migrations", "versions")
FIRST_PORT = 8110
_OWN = ["database", "devtools", "features", "main", "repositories", "routes", "shared", "tests"]
_PACKAGE = "\n[[package]]\n"
_SIZE_AND_AGE = re.compile(r', (?:size = \d+|upload-time = "[^"]*")')
# Ruff knows a service's modules by their files; of a new service it has none to look at yet.
_SORTED = ["check", "--quiet", "--select", "I,F401", "--fix", "--exit-zero"]
_SORTED += ["--config", f"lint.isort.known-first-party = {_OWN}"]
_SORTED += ["--config", "lint.isort.split-on-trailing-comma = false"]


def create(kind: str, data: Mapping[str, object], *, ask: bool) -> list[str]:
    """Write a feature or a service and what follows from it: the paths that were written.

    Raises DevError with nothing written: an answer is refused, a path is taken, or a program that
    finishes the files fails.
    """
    with _copy() as copy:
        files, changes = rendered(kind, {**_known(copy), **data}, ask=ask)
        taken = [str(path) for path in files if (copy / path).exists()]
        if taken:
            raise DevError(f"there is already {', '.join(sorted(taken))}: choose another name")
        _write(copy, files)
        for edit in changes:
            edit.add(copy)
        _finish(copy, [*files, *(Path(edit.path) for edit in changes)], lock=kind == "service")
        if kind == "feature":
            status.refresh(copy, str(data["name"]))
        return _apply(copy)


def remove(kind: str, folder: Path) -> list[str]:
    """Take away what `create` wrote, whose answers file is in `folder`: the paths.

    Raises DevError with nothing changed: it was not generated, or was edited since.
    """
    file = folder / ".copier-answers.yml"
    if not (ROOT / file).exists():
        raise DevError(f"{folder} was not written by ./dev new {kind}: remove it by hand")
    answers = {k: v for k, v in yaml.safe_load((ROOT / file).read_text()).items() if k[0] != "_"}
    if kind == "feature":
        later = [it.name for it in sorted((ROOT / VERSIONS).glob("[0-9]*.up.sql"))]
        if later[-1][:4] > answers["revision"]:
            raise DevError(f"the migration {later[-1]} comes later: drop the table in a new one")
    with _copy() as copy:
        files, changes = rendered(kind, answers, ask=False)
        edited = {edit.path for edit in changes if not edit.remove(copy)}
        _write(copy, files)
        _format(copy, list(files))
        written = (path for path in files if path != file)  # which has what was asked at first
        edited |= {str(path) for path in written if not _unedited(copy / path, ROOT / path)}
        here = [path.relative_to(copy) for path in (copy / folder).rglob("*") if path.is_file()]
        edited |= {str(path) for path in here if path not in files and path.name != "feature.yaml"}
        if edited:
            names = ", ".join(sorted(edited))
            raise DevError(f"nothing was removed, as these were edited: {names}")
        for path in files:
            (copy / path).unlink()
        shutil.rmtree(copy / folder)
        _finish(copy, [Path(edit.path) for edit in changes], lock=kind == "service")
        removed = _apply(copy)
    shutil.rmtree(ROOT / folder, ignore_errors=True)
    return removed


def join_contracts(name: str, like: str, paths: Mapping[str, str]) -> list[str]:
    """Add the service `name` to every contract of the service `like`: the paths that changed.

    It takes part, depends, offers and calls the same; `paths` maps the beginnings of the paths of
    its endpoints. Raises DevError, with nothing changed, where the contracts don't hold then.
    """
    own = re.compile(
        rf"^  (?:- (?:name|service): {like}|{like}:|- {{caller: {like},.*"
        rf"|- {{caller: [\w-]+, callee: {like},.*)\n(?:    .*\n)*",
        re.MULTILINE,
    )

    def moved(block: str) -> str:
        for old, new in paths.items():
            block = block.replace(f"    path: {old}", f"    path: {new}")
        return block.replace(like, name, 1)

    with _copy() as copy:
        for path in copy.glob("shared/contracts/*/feature.yaml"):
            text = path.read_text()
            text = re.sub(
                rf"((?:callers|consumers): \[[^]]*\b{like})(?=[],])", rf"\1, {name}", text
            )
            text = re.sub(
                rf"(    publisher: {like}\n)(?:    also_published_by: \[(.*)\]\n)?",
                lambda it: (
                    f"{it[1]}    also_published_by: [{', '.join(filter(None, [it[2], name]))}]\n"
                ),
                text,
            )
            path.write_text(own.sub(lambda block: block[0] + moved(block[0]), text))
        _finish(copy, [], lock=False)
        return _apply(copy)


@contextmanager
def _copy() -> Iterator[Path]:
    """The files of the repository in a folder of their own, `.run` being a link to the one here."""
    with tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
        copy = Path(folder).resolve() / "tree"
        for path in _files(ROOT):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy / path)
        (copy / ".run").symlink_to(RUN)
        yield copy


def _files(root: Path) -> list[Path]:
    listed = _run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], root)
    return [Path(name) for name in listed.split("\0") if name and (root / name).is_file()]


def _known(root: Path) -> dict[str, object]:
    """What validators and defaults of the questions ask of the tree."""
    revisions = sorted(path.name[:4] for path in (root / VERSIONS).glob("[0-9]*.up.sql"))
    compose = (root / "docker-compose.yml").read_text()
    ports = {*map(int, re.findall(r'(?:"127\.0\.0\.1:|x-local-port: )(\d+)', compose))}
    kong = yaml.safe_load((root / "back-gateway" / "kong.yml").read_text())
    routes = [route for service in kong["services"] for route in service["routes"]]
    return {
        "revision": f"{int(revisions[-1]) + 1:04}",
        "down_revision": revisions[-1],
        "in_use": sorted(_names_in(root / "back-api") | _names_in(root / "back-postgres")),
        "ports": sorted(ports),
        "free_port": next(it for it in range(FIRST_PORT, 2**16) if it not in ports),
        "prefixes": [path.rstrip("/") for route in routes for path in route["paths"]],
    }


def _names_in(service: Path) -> set[str]:
    """The names in a main.py: a feature of that name would hide one of them."""
    tree = ast.parse((service / "main.py").read_text())
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def rendered(
    kind: str, data: Mapping[str, object], *, ask: bool
) -> tuple[dict[Path, str], list[Edit]]:
    """The files that copier makes of the template, and its edits of files that exist.

    Raises DevError with copier's reason where it refuses an answer.
    """
    asyncio.run(wheels.install("scaffold"))
    copier = import_module("copier")
    with tempfile.TemporaryDirectory(prefix="scaffold-") as folder:
        made = Path(folder)
        known = {"reserved": sorted(RESERVED), "in_use": [], "ports": [], "prefixes": [], **data}
        # The answers file names the template, relative to the repository.
        with chdir(ROOT):
            try:
                source = str(TEMPLATES / kind)
                copier.run_copy(source, made, data=known, defaults=not ask, quiet=True)
            except (ValueError, copier.errors.CopierError) as refused:
                raise DevError(str(refused).partition("': ")[2] or str(refused)) from None
        changes = edits.read((made / "edits.yml").read_text())
        (made / "edits.yml").unlink()
        files = [path for path in made.rglob("*") if path.is_file()]
        return {path.relative_to(made): path.read_text() for path in files}, changes


def _write(root: Path, texts: Mapping[Path, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def _finish(copy: Path, changed: Sequence[Path], *, lock: bool) -> None:
    _format(copy, changed)
    if lock:
        before = (copy / "uv.lock").read_text()
        _run([str(UV), "lock", "--quiet"], copy)
        locked = (copy / "uv.lock").read_text()
        (copy / "uv.lock").write_text(with_known_packages(locked, before))
    _run([sys.executable, "-m", "devtools", "contracts", "sync"], copy)


def with_known_packages(locked: str, before: str) -> str:
    """A lock with the text of `before` for packages that differ in sizes and ages alone."""
    known = {_SIZE_AND_AGE.sub("", it): it for it in before.split(_PACKAGE)}
    return _PACKAGE.join(known.get(_SIZE_AND_AGE.sub("", it), it) for it in locked.split(_PACKAGE))


def _format(copy: Path, paths: Sequence[Path]) -> None:
    ruff = str(asyncio.run(environments.sync("devtools", ("checks",))) / "bin" / "ruff")
    python = [str(path) for path in paths if path.suffix == ".py"]
    if python:
        _run([ruff, *_SORTED, *python], copy)
        _run([ruff, "format", "--quiet", *python], copy)


def _apply(copy: Path) -> list[str]:
    """Make the repository what the copy is."""
    after = [str(path.relative_to(copy)) for path in written_files(copy)]
    _, other, absent = cmpfiles(copy, ROOT, after, shallow=False)
    written = sorted(map(Path, [*other, *absent]))
    gone = sorted(path for path in _files(ROOT) if not (copy / path).exists())
    _write(ROOT, {path: (copy / path).read_text() for path in written})
    for path in gone:
        (ROOT / path).unlink()
        for folder in (ROOT / path).parents:
            if any(folder.iterdir()):
                break
            folder.rmdir()
    return [str(path) for path in [*written, *gone]]


def _unedited(rendered: Path, own: Path) -> bool:
    """Whether it stands as it was written, rows of its table of layers apart."""
    rows = re.compile(rf"(?<={re.escape(status.HEADER)})(\|.*\n)*")
    return own.is_file() and rows.sub("", own.read_text()) == rows.sub("", rendered.read_text())


def _run(command: Sequence[str], folder: Path) -> str:
    kept = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no output"]
        name = " ".join(Path(word).name for word in command[:2])
        raise DevError(f"{name} failed: {said[-1]}")
    return done.stdout
