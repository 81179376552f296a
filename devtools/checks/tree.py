"""The repository as the checks see it: members, Python files, what they import."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LEFT_OUT = {".run", ".venv", "__pycache__", "node_modules", ".git"}


@dataclass(frozen=True)
class Finding:
    """What breaks a rule: where it stands, and a sentence that says where it belongs."""

    path: Path
    line: int
    what: str


@dataclass(frozen=True)
class Import:
    """One imported module by its full dotted name; for `from a import b` it is `a.b`."""

    module: str
    line: int

    def is_of(self, *packages: str) -> bool:
        """Whether it is one of these packages or stands below one."""
        return any(f"{self.module}.".startswith(f"{package}.") for package in packages)


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(), self.path)

    @cached_property
    def imports(self) -> list[Import]:
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [Import(name.name, node.lineno) for name in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found += [Import(f"{node.module}.{name.name}", node.lineno) for name in node.names]
        return found


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

    @property
    def distributions(self) -> set[str]:
        """What its pyproject.toml declares as dependencies, without versions, development apart."""
        declared = tomllib.loads((self.folder / "pyproject.toml").read_text())
        requirements: list[str] = declared["project"].get("dependencies", [])
        return {_name(requirement) for requirement in requirements}

    def is_test(self, source: Source) -> bool:
        return "tests" in source.path.relative_to(self.folder).parts


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


def _name(requirement: str) -> str:
    end = next(
        (at for at, sign in enumerate(requirement) if not (sign.isalnum() or sign in "-_.")),
        len(requirement),
    )
    return requirement[:end].lower().replace("_", "-")
