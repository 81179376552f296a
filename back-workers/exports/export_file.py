"""The CSV file of an export, written page by page and continued after a crash."""

import csv
import fcntl
import io
import os
from collections.abc import Iterable
from datetime import datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Self
from uuid import UUID, uuid4

from pydantic import BaseModel, JsonValue, ValidationError

from shared.models.export import ExportedUser

COLUMNS = tuple(ExportedUser.model_fields)
BYTE_ORDER_MARK = "\ufeff"
"""Tells Excel that the file is UTF-8."""

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the wide forms start a formula too


class Checkpoint(BaseModel):
    """Where the next run continues: `bytes` of `file` hold `rows` users, the last one `after`."""

    file: str
    bytes: int
    rows: int
    after: UUID | None = None


def path_of(folder: Path, task_id: UUID) -> Path:
    """Where the finished file of a task is."""
    return folder / f"{task_id}.csv"


def safe_cell(value: object) -> str:
    """The text of a cell, which no spreadsheet runs as a formula.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text[:1] in _FORMULA else text


class ExportFile:
    """An open file and its position. Whoever writes it holds its lock until `close` or its end.

    A file that another process has locked, or that is shorter than its checkpoint, is left alone:
    then the export starts again in a new one.
    """

    def __init__(self, folder: Path, task_id: UUID, descriptor: int, at: Checkpoint) -> None:
        self._folder = folder
        self._task_id = task_id
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        self.at = at

    @classmethod
    def open(cls, folder: Path, task_id: UUID, checkpoint: JsonValue | None) -> Self:
        """Continue at the checkpoint, or start a new file. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            at = Checkpoint.model_validate(checkpoint)
        except ValidationError:
            return cls._new(folder, task_id)
        descriptor = _locked(folder / Path(at.file).name)
        if descriptor is None:
            return cls._new(folder, task_id)
        if os.fstat(descriptor).st_size < at.bytes:
            os.close(descriptor)
            return cls._new(folder, task_id)
        os.ftruncate(descriptor, at.bytes)
        os.lseek(descriptor, at.bytes, os.SEEK_SET)
        return cls(folder, task_id, descriptor, at)

    @classmethod
    def _new(cls, folder: Path, task_id: UUID) -> Self:
        for abandoned in folder.glob(f"{task_id}.*.part"):
            abandoned.unlink(missing_ok=True)
        name = f"{task_id}.{uuid4().hex}.part"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        descriptor = os.open(folder / name, flags, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        file = cls(folder, task_id, descriptor, Checkpoint(file=name, bytes=0, rows=0))
        file._write(BYTE_ORDER_MARK + _lines([COLUMNS]))
        return file

    def append(self, users: list[ExportedUser]) -> None:
        """Write a page of users. Raises OSError, for example when the disk is full."""
        self._write(_lines([safe_cell(getattr(user, name)) for name in COLUMNS] for user in users))
        self.at = self.at.model_copy(
            update={"rows": self.at.rows + len(users), "after": users[-1].id}
        )

    def _write(self, text: str) -> None:
        data = memoryview(text.encode())
        self.at = self.at.model_copy(update={"bytes": self.at.bytes + len(data)})
        while data:
            data = data[self._file.write(data) :]

    def sync(self) -> Checkpoint:
        """Bring what was written to the disk; the checkpoint that stands for it."""
        os.fsync(self._file.fileno())
        return self.at

    def finish(self) -> None:
        """Give the file its final name."""
        self.sync()
        (self._folder / self.at.file).replace(path_of(self._folder, self._task_id))
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        self._file.close()


def _locked(path: Path) -> int | None:
    """The open file with its lock, unless it is gone or another process writes it."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def remove_user(folder: Path, user_id: UUID) -> None:
    """Remove the lines of a user from finished files, and files under way that have one.

    The run that writes such a file fails at its end, and starts again.
    """
    named = str(user_id).encode()
    for path in folder.glob("*.part"):
        if _mentions(path, named):
            path.unlink(missing_ok=True)
    for path in folder.glob("*.csv"):
        if _mentions(path, named):
            _without(path, str(user_id))


def _mentions(path: Path, text: bytes) -> bool:
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            return content.find(text) >= 0
    except FileNotFoundError:
        return False
    except ValueError:  # an empty file can't be mapped
        return False


def _without(path: Path, user_id: str) -> None:
    copy = path.with_name(f"{path.stem}.{uuid4().hex}.part")
    with (
        path.open(encoding="utf-8", newline="") as file,
        copy.open("x", encoding="utf-8", newline="") as kept,
    ):
        copy.chmod(0o600)
        writer = csv.writer(kept)
        for row in csv.reader(file):
            if row[:1] != [user_id]:
                writer.writerow(row)
        kept.flush()
        os.fsync(kept.fileno())
    copy.replace(path)


def remove_old(folder: Path, older_than: float) -> int:
    """Remove the files that were last written before `older_than` (seconds since the epoch)."""
    removed = 0
    for path in [*folder.glob("*.csv"), *folder.glob("*.part")]:
        if path.stat().st_mtime < older_than:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
