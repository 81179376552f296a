"""The log files of services: JSON lines, bounded in size, and how a person reads them."""

import json
import os
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from devtools.workspace.errors import DevError

LIMIT = 20 * 1024 * 1024
_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
_HEAD = {"time", "level", "service", "event", "correlation_id", "trace_id", "logger"}
_PAUSE = 0.2

Entry = dict[str, object]


class LogFile:
    """Takes what a process writes. Lines that are no JSON object (engines) are wrapped in one.

    A file past `limit` bytes becomes `<name>.log.1`; the one before that is dropped.
    """

    def __init__(self, folder: Path, service: str, limit: int = LIMIT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{service}.log"
        self._service = service
        self._limit = limit
        self._rest = b""
        self._file = self._path.open("ab", buffering=0)
        self._last: deque[bytes] = deque(maxlen=30)

    def write(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > self._limit:
            lines, self._rest = [*lines, self._rest], b""
        kept = [self._as_json(line) for line in lines if line.strip()]
        if not kept:
            return
        self._last.extend(kept)
        with suppress(OSError):  # a full disk costs log lines, never the service
            self._file.write(b"\n".join(kept) + b"\n")
            if self._file.tell() > self._limit:
                self._rotate()

    def _rotate(self) -> None:
        self._path.replace(self._path.with_suffix(".log.1"))
        full, self._file = self._file, self._path.open("ab", buffering=0)
        full.close()

    def close(self) -> None:
        self.write(b"\n")
        self._file.close()

    def last_entries(self, count: int) -> list[Entry]:
        """What the service itself said last."""
        entries = [entry for line in self._last if (entry := parse(line, self._service))]
        return [entry for entry in entries if entry.get("logger") != "dev"][-count:]

    def note(self, event: str, **values: object) -> None:
        """A line of the supervisor's own about this service."""
        self.write(json.dumps(self._line(event) | {"logger": "dev"} | values).encode() + b"\n")

    def _as_json(self, line: bytes) -> bytes:
        if line.startswith(b"{") and line.endswith(b"}"):
            return line
        return json.dumps(self._line(line.decode(errors="replace").rstrip())).encode()

    def _line(self, event: str) -> Entry:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {"time": now, "level": "info", "service": self._service, "event": event}


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
    entries = (parse(line, service_of(file)) for file, line in lines)
    return sorted((it for it in entries if it), key=lambda it: str(it["time"]))


def service_of(file: Path) -> str:
    return file.name.partition(".log")[0]


def parse(line: bytes, service: str) -> Entry | None:
    """One line of the log of `service` with its `time` filled in; None for a blank one.

    `service` is the process of the topology, where the line itself may name what it is part of.
    """
    text = line.decode(errors="replace").strip()
    if not text:
        return None
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        entry = {"event": text}
    return {"time": "", **entry, "service": service}


def show(console: Console, folder: Path, service: str | None, last: int, *, follow: bool) -> None:
    if service and not files_of(folder, service):
        known = ", ".join(sorted({service_of(file) for file in files_of(folder, None)}))
        raise DevError(f"no logs of {service}; there are: {known or 'none yet'}")
    files = files_of(folder, service)
    read = {file.stat().st_ino: file.stat().st_size for file in files}
    for entry in merged(files, last):
        console.print(line(entry), soft_wrap=True)
    while follow:
        for entry in _added(files_of(folder, service), read):
            console.print(line(entry), soft_wrap=True)
        time.sleep(_PAUSE)


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


def _added(files: Iterable[Path], read: dict[int, int]) -> list[Entry]:
    """The whole lines past what was `read`: bytes by inode, which survives the rotation."""
    added: list[tuple[Path, bytes]] = []
    for file in files:
        with suppress(FileNotFoundError), file.open("rb") as content:
            status = os.fstat(content.fileno())
            inode, done = status.st_ino, read.get(status.st_ino, 0)
            content.seek(done if done <= status.st_size else 0)  # a new file may get an old inode
            *lines, rest = content.read().split(b"\n")
            read[inode] = content.tell() - len(rest)
            added += ((file, line) for line in lines)
    return _by_time(added)
