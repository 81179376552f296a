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
            raise DevError(f"{_listed(there)} exists already: choose another name")
        changed = {path: self._added(root, path) for path in self.edits}
        for path, text in {**self.files, **changed}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)

    def undo(self, root: Path) -> None:
        """Remove everything; DevError, before anything is removed, that names what was edited."""
        edited = [
            str(path)
            for path, text in self.files.items()
            if not (root / path).exists() or (root / path).read_text() != text
        ]
        restored: dict[Path, str] = {}
        for path, insertions in self.edits.items():
            try:
                restored[path] = _removed((root / path).read_text(), insertions)
            except NotThere as part:
                edited.append(f"{path} ({part})")
        if edited:
            raise DevError(
                f"nothing was removed, as these were edited since: {_listed(edited)}. "
                "Take back the edits, or remove the rest by hand"
            )
        for path, text in restored.items():
            (root / path).write_text(text)
        for path in self.files:
            (root / path).unlink()

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


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names))
