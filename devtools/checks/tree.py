"""The repository as the checks see it: members and their Python files."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

from devtools.workspace.errors import DevError
from devtools.workspace.repository import workspace_folders, written_files

_PARSING = Lock()  # Python 3.11 fails when threads parse at once: python/cpython#106905


@dataclass(frozen=True)
class Finding:
    """What breaks a rule: file, line, and a sentence that says where the thing belongs."""

    path: Path
    line: int
    what: str

    @classmethod
    def at(cls, path: Path, text: str, offset: int, what: str) -> "Finding":
        """A finding at an offset in the text of a file."""
        return cls(path, text.count("\n", 0, offset) + 1, what)


@dataclass(frozen=True)
class Member:
    """A service, `shared` or `devtools`, with the folder that its imports are rooted at."""

    name: str
    folder: Path
    root: Path

    @property
    def distribution(self) -> str:
        """Its name in the uv workspace."""
        return "tools-dashboard" if self.name == "shared" else self.name

    @property
    def project(self) -> Path:
        """The folder of its pyproject.toml."""
        return self.folder if (self.folder / "pyproject.toml").exists() else self.root

    @cached_property
    def shipped(self) -> list[Path]:
        """The Python files that run outside tests."""
        found = written_files(self.folder, ".py")
        return [it for it in found if "tests" not in it.relative_to(self.folder).parts]

    def parsed(self, path: Path) -> ast.Module:
        """One of its files; DevError where that is no Python."""
        try:
            with _PARSING:
                return ast.parse(path.read_text(), path)
        except SyntaxError as error:
            raise DevError(f"{path}:{error.lineno}: {error.msg}") from None


class Tree:
    """A checkout of the repository at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def services(self) -> list[Member]:
        """The members of the workspace that are services: flat folders rooted at themselves."""
        folders = workspace_folders(self.root)
        return [Member(it.name, it, it) for it in folders if it.name != "devtools"]

    @cached_property
    def packages(self) -> list[Member]:
        """The two packages that are imported by their own name."""
        return [Member(name, self.root / name, self.root) for name in ("shared", "devtools")]

    @property
    def members(self) -> list[Member]:
        return [*self.services, *self.packages]

    def committed(self) -> list[Path]:
        """What git has or would take; every file where there is no git, as in a copy."""
        found = written_files(self.root)
        if (self.root / ".git").exists():
            command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
            listed = subprocess.run(command, cwd=self.root, check=True, capture_output=True)
            found = (self.root / name for name in listed.stdout.decode().split("\0"))
        return sorted(path for path in found if path.is_file() and not path.is_symlink())

    def relative(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
