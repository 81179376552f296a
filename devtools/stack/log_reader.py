"""`./dev logs`: the logs of all services as one, for a person to read."""

import time
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from rich.console import Console
from rich.text import Text

from devtools.stack.logs import Entry, files_of, merged, parse, service_of
from devtools.workspace.errors import DevError

_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
_HEAD = {"time", "level", "service", "event", "correlation_id", "trace_id", "logger"}
_PAUSE = 0.2


def show(console: Console, folder: Path, service: str | None, last: int, *, follow: bool) -> None:
    if service and not files_of(folder, service):
        known = ", ".join(sorted({service_of(file) for file in files_of(folder, None)}))
        raise DevError(f"no logs of {service}; there are: {known or 'none yet'}")
    tails = _Tails(folder, service)
    try:
        for entry in merged(files_of(folder, service), last):
            console.print(line(entry), soft_wrap=True)
        while follow:
            for entry in tails.new():
                console.print(line(entry), soft_wrap=True)
            time.sleep(_PAUSE)
    finally:
        tails.close()


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


class _Tails:
    """What is added to all the log files from now on, files that appear later included."""

    def __init__(self, folder: Path, service: str | None) -> None:
        self._folder = folder
        self._service = service
        self._tails = {file: _Tail(file) for file in self._files()}

    def new(self) -> list[Entry]:
        for file in self._files():
            if file not in self._tails:
                self._tails[file] = _Tail(file, from_start=True)
        entries = [entry for tail in self._tails.values() for entry in tail.new()]
        return sorted(entries, key=lambda entry: str(entry["time"]))

    def close(self) -> None:
        for tail in self._tails.values():
            tail.close()

    def _files(self) -> list[Path]:
        return [file for file in files_of(self._folder, self._service) if file.suffix == ".log"]


class _Tail:
    """What is added to a log file from now on, across its rotation."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self._path = path
        self._service = service_of(path)
        self._file = self._open()
        self._rest = b""
        if not from_start:
            self._file.seek(0, 2)

    def new(self) -> Iterator[Entry]:
        yield from self._read()
        if self._path.exists() and self._path.stat().st_ino != self._inode:
            yield from self._read()
            self._file.close()
            self._file = self._open()
            yield from self._read()

    def close(self) -> None:
        self._file.close()

    def _read(self) -> Iterator[Entry]:
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for text in lines:
            if entry := parse(text, self._service):
                yield entry

    def _open(self) -> BufferedReader:
        file = self._path.open("rb")
        self._inode = self._path.stat().st_ino
        return file
