"""Files to write and lines to insert: done whole or not at all, and undone the same way."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.errors import DevError
from devtools.scaffold.insertion import Insertion, NoPlace, NotThere


@dataclass(frozen=True)
class Plan:
    """Texts of new files and insertions into present ones, by paths relative to the repository."""

    files: Mapping[Path, str]
    edits: Mapping[Path, tuple[Insertion, ...]]

    def apply(self, root: Path) -> None:
        """Write everything; DevError, before anything is written, where something is in the way."""
        there = [str(path) for path in self.files if (root / path).exists()]
        if there:
            raise DevError(f"{', '.join(sorted(there))} exists already: choose another name")
        changed = {path: self._added(root, path) for path in self.edits}
        for path, text in {**self.files, **changed}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)

    def edited(self, root: Path) -> list[str]:
        """What doesn't stand in the repository as it was written."""
        found = [
            str(path)
            for path, text in self.files.items()
            if not (root / path).exists() or (root / path).read_text() != text
        ]
        for path, insertions in self.edits.items():
            try:
                _removed((root / path).read_text(), insertions)
            except (NotThere, FileNotFoundError) as part:
                found.append(f"{path} ({part})")
        return sorted(found)

    def undo(self, root: Path) -> None:
        """Take everything away again; only for what is not `edited`."""
        for path, insertions in self.edits.items():
            (root / path).write_text(_removed((root / path).read_text(), insertions))
        for path in self.files:
            (root / path).unlink()
            remove_empty((root / path).parent, root)

    def _added(self, root: Path, path: Path) -> str:
        try:
            text = (root / path).read_text()
            for insertion in self.edits[path]:
                text = insertion.add(text)
        except (NoPlace, FileNotFoundError) as error:
            raise DevError(
                f"{path} has no place for the new lines: {error}. It differs from what is "
                "expected; see devtools/CONTEXT.md"
            ) from None
        return text


def _removed(text: str, insertions: tuple[Insertion, ...]) -> str:
    for insertion in reversed(insertions):
        text = insertion.remove(text)
    return text


def refuse_edited(edited: list[str]) -> None:
    """DevError that names them, unless there is none."""
    if edited:
        raise DevError(
            f"nothing was removed, as these were edited since: {', '.join(edited)}. Take back "
            "the edits, or remove it by hand"
        )


def remove_empty(folder: Path, root: Path) -> None:
    """Remove folders that hold nothing but compiled code."""
    while folder != root and folder.exists():
        left = list(folder.rglob("*"))
        if any(it.is_file() and it.suffix != ".pyc" for it in left):
            return
        for it in sorted(left, reverse=True):
            if it.is_dir():
                it.rmdir()
            else:
                it.unlink()
        folder.rmdir()
        folder = folder.parent
