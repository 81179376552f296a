"""`./dev logs`: the logs of all services as one, for a person to read."""

import time
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from rich.console import Console
from rich.text import Text

from devtools.logs import files_of, merged, parse

_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}
_HEAD = {"timestamp", "time", "level", "service", "event", "correlation_id", "trace_id", "logger"}
_PAUSE = 0.2


def show(console: Console, folder: Path, service: str | None, last: int, *, follow: bool) -> None:
    tails = {file: _Tail(file) for file in files_of(folder, service) if file.suffix == ".log"}
    for entry in merged(files_of(folder, service), last):
        console.print(line(entry), soft_wrap=True)
    while follow:
        for file in files_of(folder, service):
            if file.suffix == ".log" and file not in tails:
                tails[file] = _Tail(file, from_start=True)
        entries = [entry for tail in tails.values() for entry in tail.new()]
        for entry in sorted(entries, key=lambda entry: str(entry["timestamp"])):
            console.print(line(entry), soft_wrap=True)
        time.sleep(_PAUSE)


def line(entry: Mapping[str, object]) -> Text:
    """Time, level, service, event, key=value, and the correlation id last."""
    level = str(entry.get("level", "info")).lower()
    moment = str(entry.get("timestamp", ""))[11:23]
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


class _Tail:
    """What is added to a log file from now on, across its rotation."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self._path = path
        self._file = self._open()
        self._rest = b""
        if not from_start:
            self._file.seek(0, 2)

    def new(self) -> Iterator[dict[str, object]]:
        yield from self._read()
        if self._path.exists() and self._path.stat().st_ino != self._inode:
            yield from self._read()
            self._file.close()
            self._file = self._open()
            yield from self._read()

    def _read(self) -> Iterator[dict[str, object]]:
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for text in lines:
            if entry := parse(text, self._path):
                yield entry

    def _open(self) -> BufferedReader:
        file = self._path.open("rb")
        self._inode = self._path.stat().st_ino
        return file
