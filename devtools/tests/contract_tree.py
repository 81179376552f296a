"""A copy of what contracts, models and services say, to break on purpose."""

import shutil
import subprocess
from pathlib import Path

from devtools.contracts import generated_files, typescript_types
from devtools.contracts.check import Tree
from devtools.workspace.repository import ROOT

_LEFT_OUT = shutil.ignore_patterns("tests", "__pycache__", ".*", "migrations", "templates")


class Copy:
    """The copy at `root`; each `tree()` reads it anew."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def of_the_repository(cls, root: Path) -> "Copy":
        for name in ("pyproject.toml", "docker-compose.yml"):
            shutil.copy(ROOT / name, root / name)
        for name in ["shared", *Tree(ROOT).services]:
            shutil.copytree(ROOT / name, root / name, ignore=_LEFT_OUT)
        return cls(root)

    def again(self, root: Path) -> "Copy":
        return Copy(Path(shutil.copytree(self.root, root)))

    def tree(self) -> Tree:
        return Tree(self.root)

    def sync(self) -> generated_files.Changes:
        """Write every generated file, types.ts without the Node that knows what is in it."""
        tree = self.tree()
        texts = dict(tree.texts)
        if not tree.types_are_current:
            text = typescript_types.signed(tree.public_document, "")
            texts[typescript_types.TYPES] = text
        return generated_files.sync(self.root, texts)

    def replace(self, path: str, old: str, new: str) -> None:
        """Put `new` for the first `old` in a file; it must be there."""
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1))

    def line(self, path: str, text: str) -> int:
        """The number of the first line with `text`."""
        lines = (self.root / path).read_text().splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)

    def commit(self) -> str:
        """Record everything in git; the revision."""
        for arguments in (
            ["init", "--quiet"],
            ["add", "--all"],
            ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "t"],
        ):
            subprocess.run(["git", *arguments], cwd=self.root, check=True)
        return "HEAD"
