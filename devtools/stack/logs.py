"""The log files of services, bounded in size, and how a person reads them.

A process writes its file itself: the file is its standard output. A service writes JSON lines, an
engine or a crash any text, which is made an entry when it is read.
"""

import json
import os
import re
import shutil
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from devtools.workspace.errors import DevError

LIMIT = 20 * 1024 * 1024
_TAIL = 64 * 1024
_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
_HEAD = {"time", "level", "service", "event", "correlation_id", "trace_id", "logger"}
_PAUSE = 0.2
_STAMP = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d+)?)")

Entry = dict[str, object]


class LogFile:
    """The file that a process gets as its standard output and error, opened for appending."""

    def __init__(self, folder: Path, service: str, limit: int = LIMIT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{service}.log"
        self._service = service
        self._limit = limit
        self._file = self._path.open("ab", buffering=0)
        self._begin = self._size  # what comes before is of an earlier supervisor

    def fileno(self) -> int:
        return self._file.fileno()

    @property
    def is_full(self) -> bool:
        return self._size > self._limit

    @property
    def _size(self) -> int:
        return os.fstat(self.fileno()).st_size

    def rotate(self) -> None:
        """Copy it to `<name>.log.1`, replacing that, and empty it: processes keep it open.

        A line that is written between the two is lost.
        """
        with suppress(OSError):  # a full disk costs log lines, never the service
            shutil.copyfile(self._path, self._path.with_suffix(".log.1"))
        os.truncate(self.fileno(), 0)
        self._begin = 0

    def last_entries(self, count: int) -> list[Entry]:
        """What the service itself said last."""
        with self._path.open("rb") as content:
            content.seek(max(self._begin, self._size - _TAIL))
            found = [*entries(content.read().split(b"\n"), self._service)]
        return [entry for entry in found if entry.get("logger") != "dev"][-count:]

    def note(self, event: str, **values: object) -> None:
        """A line of the supervisor's own about this service."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        entry = {"time": now, "level": "info", "service": self._service, "event": event}
        line = json.dumps({**entry, "logger": "dev", **values})
        with suppress(OSError):  # the same
            # What the service said last may lack its end of line.
            self._file.write(b"\n%s\n" % line.encode())

    def close(self) -> None:
        self._file.close()


def files_of(folder: Path, service: str | None) -> list[Path]:
    """The log files of one service, or of all, oldest part first."""
    pattern = service or "*"
    return [*sorted(folder.glob(f"{pattern}.log.1")), *sorted(folder.glob(f"{pattern}.log"))]


def merged(files: list[Path], last: int) -> list[Entry]:
    """The last entries of all these files together, by time."""
    lines: list[tuple[Path, bytes]] = []
    for file in files:
        with file.open("rb") as content:
            lines += ((file, line) for line in deque(content, maxlen=last))
    return _by_time(lines)[-last:]


def _by_time(lines: Iterable[tuple[Path, bytes]]) -> list[Entry]:
    """The entries that lines of log files hold."""
    found: list[Entry] = []
    for file, its_lines in groupby(lines, lambda it: it[0]):
        found += entries((line for _, line in its_lines), service_of(file))
    return sorted(found, key=lambda it: str(it["time"]))


def service_of(file: Path) -> str:
    return file.name.partition(".log")[0]


def entries(lines: Iterable[bytes], service: str) -> Iterator[Entry]:
    """What lines of the log of `service` say, blank ones left out.

    `service` is the process of the topology, where the line itself may name what it is part of. A
    line without a time has that of the line before it.
    """
    before = ""
    for line in lines:
        if text := line.decode(errors="replace").strip():
            entry = {"time": before, **_parsed(text), "service": service}
            before = str(entry["time"])
            yield entry


def _parsed(text: str) -> Entry:
    if text.startswith("{"):
        with suppress(ValueError):
            return dict(json.loads(text))
    stamp = _STAMP.search(text, 0, 60)
    when = {"time": "{}-{}-{}T{}".format(*stamp.groups()).replace(",", ".")} if stamp else {}
    return {**when, "event": text}


def show(console: Console, folder: Path, service: str | None, last: int, *, follow: bool) -> None:
    if service and not files_of(folder, service):
        known = ", ".join(sorted({service_of(file) for file in files_of(folder, None)}))
        raise DevError(f"no logs of {service}; there are: {known or 'none yet'}")
    pattern = f"{service or '*'}.log"
    read = {file: file.stat().st_size for file in folder.glob(pattern)}
    for entry in merged(files_of(folder, service), last):
        console.print(line(entry), soft_wrap=True)
    while follow:
        for entry in _added(sorted(folder.glob(pattern)), read):
            console.print(line(entry), soft_wrap=True)
        time.sleep(_PAUSE)


def trace(console: Console, folder: Path, wanted: str) -> None:
    """Print every line of all services that names `wanted` as a whole word, by time.

    It is a correlation id, or whatever else lines name: the id of a trace, an event or a task.
    Raises DevError where no line names it.
    """
    whole = re.compile(rb"(?<![\w.-])%s(?![\w.-])" % re.escape(wanted.encode()))
    found: list[tuple[Path, bytes]] = []
    for file in files_of(folder, None):
        with file.open("rb") as content:
            found += ((file, said) for said in content if whole.search(said))
    if not found:
        raise DevError(f"no line of the logs in {folder} names {wanted}")
    for entry in _by_time(found):
        console.print(line(entry), soft_wrap=True)


def line(entry: Mapping[str, object]) -> Text:
    """Time, level, service, event, key=value, and the correlation id last."""
    level = str(entry.get("level", "info")).lower()
    moment = str(entry["time"])[11:23]
    text = Text(f"{moment:12} ", style="dim")
    text.append(f"{level[:5]:5} ", style=_STYLES.get(level, "dim"))
    text.append(f"{entry['service']:20} ", style="cyan")
    text.append(str(entry.get("event", entry.get("message", ""))), style=_STYLES.get(level, ""))
    for key, value in entry.items():
        if key not in _HEAD and value is not None and key != "message":
            text.append(f" {key}=", style="dim")
            text.append(str(value))
    if correlation := entry.get("correlation_id"):
        text.append(f" [{correlation}]", style="magenta")
    return text


def _added(files: Iterable[Path], read: dict[Path, int]) -> list[Entry]:
    """The whole lines past the bytes of each file that were `read`."""
    added: list[tuple[Path, bytes]] = []
    for file in files:
        done = read.get(file, 0)
        if file.stat().st_size < done:  # it was rotated
            added += _lines(file.with_suffix(".log.1"), done)[0]
            done = 0
        lines, read[file] = _lines(file, done)
        added += lines
    return _by_time(added)


def _lines(file: Path, begin: int) -> tuple[list[tuple[Path, bytes]], int]:
    """The whole lines from the byte `begin` on, and where they end."""
    with file.open("rb") as content:
        content.seek(begin)
        *lines, rest = content.read().split(b"\n")
        return [(file, line) for line in lines], content.tell() - len(rest)
