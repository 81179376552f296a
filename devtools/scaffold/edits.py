"""The edits that a template makes in files that exist, such as a router in main.py."""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from devtools.workspace.errors import DevError


@dataclass(frozen=True)
class Lines:
    """Whole lines behind the last line that `after` matches, up to a line that `until` matches."""

    path: str
    after: str
    text: str
    until: str = r"(?!)"

    def add(self, root: Path) -> None:
        """Raises DevError where no line matches."""
        lines = (root / self.path).read_text().splitlines(keepends=True)
        found = 0
        for number, line in enumerate(lines, start=1):
            if found and re.search(self.until, line):
                break
            found = number if re.search(self.after, line) else found
        if not found:
            raise DevError(f"{self.path} has no line like {self.after} to put new lines behind")
        (root / self.path).write_text("".join([*lines[:found], self.text, *lines[found:]]))

    def remove(self, root: Path) -> bool:
        """Take the lines out; False, with nothing changed, where they were edited."""
        text = (root / self.path).read_text()
        if text.count(self.text) != 1:
            return False
        (root / self.path).write_text(text.replace(self.text, ""))
        return True


@dataclass(frozen=True)
class Router:
    """`service.api.include_router(router)` in the main.py of a service, with its imports.

    Ruff merges the imports into those that are there, and removes them when the call is gone.
    """

    path: str
    imports: str
    router: str

    def add(self, root: Path) -> None:
        """Raises DevError where main.py includes no router."""
        text = (root / self.path).read_text()
        calls = _included(text)
        if not calls:
            raise DevError(f"{self.path} has no line service.api.include_router(…)")
        lines = text.splitlines(keepends=True)
        lines.insert(calls[-1].end_lineno or 0, f"    service.api.include_router({self.router})\n")
        first = next(at for at, line in enumerate(lines) if line.startswith(("from ", "import ")))
        lines.insert(first, self.imports)
        (root / self.path).write_text("".join(lines))

    def remove(self, root: Path) -> bool:
        """Take the call out; False, with nothing changed, where it was edited."""
        text = (root / self.path).read_text()
        own = [it for it in _included(text) if ast.unparse(it.args[0]) == self.router]
        if len(own) != 1:
            return False
        lines = text.splitlines(keepends=True)
        del lines[own[0].lineno - 1 : own[0].end_lineno]
        (root / self.path).write_text("".join(lines))
        return True


@dataclass(frozen=True)
class Copied:
    """A file that is another one, words apart."""

    path: str
    source: str
    replace: dict[str, str]

    def add(self, root: Path) -> None:
        """Write it."""
        (root / self.path).write_text(self._text(root))

    def remove(self, root: Path) -> bool:
        """Remove it; False, with nothing changed, where it was edited."""
        path = root / self.path
        if not path.exists() or path.read_text() != self._text(root):
            return False
        path.unlink()
        return True

    def _text(self, root: Path) -> str:
        text = (root / self.source).read_text()
        for old, new in self.replace.items():
            text = text.replace(old, new)
        return text


Edit = Lines | Router | Copied


def read(text: str) -> list[Edit]:
    """The edits in a template's `edits.yml`."""
    kinds: dict[str, Callable[..., Edit]] = {"after": Lines, "router": Router, "source": Copied}
    return [
        next(kind for key, kind in kinds.items() if key in entry)(**entry)
        for entry in yaml.safe_load(text)
    ]


def _included(text: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "service.api.include_router"
    ]
