"""Files to write and lines to insert: done whole or not at all, and undone the same way."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.scaffold.insertion import Insertion, NoPlace, NotThere
from devtools.workspace.errors import DevError

Edit = tuple[Path, Insertion]

_CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".coverage"}


@dataclass(frozen=True)
class Plan:
    """Texts of new files and insertions into present ones, by paths relative to the repository.

    `folders` are those that hold nothing but what is written here and from the contracts.
    """

    files: Mapping[Path, str]
    edits: Sequence[Edit]
    folders: Sequence[Path]

    @property
    def paths(self) -> list[Path]:
        """Every file that is written or changed."""
        return list(dict.fromkeys([*self.files, *(path for path, _ in self.edits)]))

    def apply(self, root: Path) -> None:
        """Write everything; DevError, before anything is written, where something is in the way."""
        there = [str(path) for path in self.files if (root / path).exists()]
        if there:
            raise DevError(f"there is already {', '.join(sorted(there))}: choose another name")
        changed: dict[Path, str] = {}
        for path, insertion in self.edits:
            try:
                changed[path] = insertion.add(changed.get(path) or (root / path).read_text())
            except (NoPlace, FileNotFoundError) as error:
                raise DevError(
                    f"{path} has no place for the new lines: {error}. See what "
                    "devtools/CONTEXT.md says of such places"
                ) from None
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
        found += [f"{path} (added)" for path in self._added(root)]
        for path, insertion in self.edits:
            try:
                insertion.remove((root / path).read_text())
            except (NotThere, FileNotFoundError) as part:
                found.append(f"{path} ({part})")
        return sorted(found)

    def undo(self, root: Path) -> None:
        """Take everything away again; only for what is not `edited`."""
        for path, insertion in reversed(self.edits):
            (root / path).write_text(insertion.remove((root / path).read_text()))
        for path in self.files:
            (root / path).unlink()
            parent = (root / path).parent
            if not any(parent.iterdir()):
                parent.rmdir()
        for folder in self.folders:
            shutil.rmtree(root / folder, ignore_errors=True)

    def _added(self, root: Path) -> Iterator[Path]:
        for folder in self.folders:
            for path in sorted((root / folder).rglob("*")):
                own = path.relative_to(root)
                if path.is_dir() or own in self.files or _CACHES & set(own.parts):
                    continue
                if path.name != "feature.yaml":
                    yield own


def refuse_edited(edited: Sequence[str]) -> None:
    """DevError that names them, unless there is none."""
    if edited:
        raise DevError(
            f"nothing was removed, as these were edited since: {', '.join(edited)}. Take back "
            "the edits, or remove it by hand"
        )
