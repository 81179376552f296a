"""The log file of one service: JSON lines, bounded in size."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

LIMIT = 20 * 1024 * 1024

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


def merged(files: list[Path], last: int) -> Iterator[Entry]:
    """The last entries of all these files together, by time."""
    entries: deque[Entry] = deque()
    for file in files:
        with file.open("rb") as content:
            lines = deque(content, maxlen=last)
        entries.extend(entry for line in lines if (entry := parse(line, service_of(file))))
    by_time = sorted(entries, key=lambda entry: str(entry["time"]))
    yield from by_time[-last:]


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
