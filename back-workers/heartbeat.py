"""Heartbeats of the processes that have no port: each touches a file of its own.

`python -m heartbeat relay` ends with 0 while the relay's file is fresh and with 1 otherwise. It
imports the standard library alone, so that it is cheap enough to run every few seconds.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

FRESH_SECONDS = 60
"""A worker without a broker may touch its file this late; after that it counts as dead."""

BEAT_SECONDS = 2


def path_of(process: str) -> Path:
    """The file of `process`: in HEARTBEAT_DIR, or else in the folder for temporary files."""
    folder = os.environ.get("HEARTBEAT_DIR") or tempfile.gettempdir()  # noqa: TID251 - a health command of milliseconds imports no pydantic
    return Path(folder) / f"back-workers-{process}.heartbeat"


def touch(process: str) -> None:
    path_of(process).touch()


def is_fresh(process: str) -> bool:
    try:
        touched = path_of(process).stat().st_mtime
    except FileNotFoundError:
        return False
    return abs(time.time() - touched) < FRESH_SECONDS


if __name__ == "__main__":
    sys.exit(0 if is_fresh(sys.argv[1]) else 1)
