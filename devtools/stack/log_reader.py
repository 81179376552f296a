"""`./dev logs`: the logs of all services as one, for a person to read."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
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
    entries: list[Entry] = []
    for file in files:
        with suppress(FileNotFoundError), file.open("rb") as content:
            status = os.fstat(content.fileno())
            inode, done = status.st_ino, read.get(status.st_ino, 0)
            content.seek(done if done <= status.st_size else 0)  # a new file may get an old inode
            *lines, rest = content.read().split(b"\n")
            read[inode] = content.tell() - len(rest)
            entries += [entry for text in lines if (entry := parse(text, service_of(file)))]
    return sorted(entries, key=lambda entry: str(entry["time"]))
