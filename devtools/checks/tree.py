"""The repository as the checks see it: members, Python files, what they import."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devtools.checks import names
from devtools.checks.names import Import
from devtools.workspace.errors import DevError

LEFT_OUT = {".run", ".venv", "__pycache__", "node_modules", ".git"}


@dataclass(frozen=True)
class Finding:
    """What breaks a rule: where it stands, and a sentence that says where it belongs."""

    path: Path
    line: int
    what: str


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        try:
            return ast.parse(self.path.read_text(), self.path)
        except SyntaxError as error:
            raise DevError(f"{self.path}:{error.lineno}: {error.msg}") from None

    @cached_property
    def imports(self) -> list[Import]:
        return names.imports(self.tree)

    @cached_property
    def uses(self) -> list[Import]:
        """What it reaches through an imported name, as `jwt.encode`."""
        return names.uses(self.tree)


@dataclass(frozen=True)
class Member:
    """A service, `shared` or `devtools`, with the folder that its imports are rooted at."""

    name: str
    folder: Path
    root: Path

    @cached_property
    def sources(self) -> list[Source]:
        return [Source(path) for path in sorted(_files(self.folder, ".py"))]

    @cached_property
    def own_modules(self) -> set[str]:
        """The top-level names that it may import as its own."""
        if self.root != self.folder:
            return {self.folder.name}
        return {
            entry.stem
            for entry in self.folder.iterdir()
            if entry.suffix == ".py" or (entry.is_dir() and any(entry.rglob("*.py")))
        }

    def is_test(self, source: Source) -> bool:
        """Whether only tests run it: it is one, or `shared` offers it to them."""
        parts = source.path.relative_to(self.folder).parts
        return "tests" in parts or (self.name == "shared" and "testing" in parts)

    @property
    def shipped(self) -> list[Source]:
        return [source for source in self.sources if not self.is_test(source)]


class Tree:
    """A checkout of the repository at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def services(self) -> list[Member]:
        """The members of the workspace that are services: flat folders rooted at themselves."""
        declared = tomllib.loads((self.root / "pyproject.toml").read_text())
        folders = [self.root / name for name in declared["tool"]["uv"]["workspace"]["members"]]
        return [Member(it.name, it, it) for it in folders if it.name != "devtools"]

    @cached_property
    def packages(self) -> list[Member]:
        """The two packages that are imported by their own name."""
        return [Member(name, self.root / name, self.root) for name in ("shared", "devtools")]

    @property
    def members(self) -> list[Member]:
        return [*self.services, *self.packages]

    @property
    def shared(self) -> Member:
        return self.packages[0]

    @property
    def sources(self) -> Iterator[tuple[Member, Source]]:
        for member in self.members:
            for source in member.sources:
                yield member, source

    @property
    def shipped(self) -> Iterator[tuple[Member, Source]]:
        """What runs outside tests."""
        for member in self.members:
            for source in member.shipped:
                yield member, source

    def files(self, suffix: str) -> Iterator[Path]:
        yield from _files(self.root, suffix)

    def relative(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name not in LEFT_OUT and not _is_other_member(entry):
                yield from _files(entry, suffix)
        elif entry.suffix == suffix:
            yield entry


def _is_other_member(folder: Path) -> bool:
    return folder.parent.name == "devtools" and (folder / "pyproject.toml").exists()
