"""Heartbeats of the processes that have no port: each touches a file of its own.

`python -m heartbeat relay` ends with 0 while the relay's file is fresh and with 1 otherwise. It
imports nothing that an interpreter has not loaded anyway, because every process has it run each few
seconds, and each second while it starts.
"""

import os
import sys
import time

FRESH_SECONDS = 60
"""A worker without a broker may touch its file this late; after that it counts as dead."""

BEAT_SECONDS = 2


def path_of(process: str) -> str:
    """The file of `process`: in HEARTBEAT_DIR, or else in the folder for temporary files."""
    environment = os.environ  # noqa: TID251 - a health command of milliseconds imports no pydantic
    folder = environment.get("HEARTBEAT_DIR") or environment.get("TMPDIR") or "/tmp"  # noqa: S108 - the folder itself, as tempfile names it
    return f"{folder}/back-workers-{process}.heartbeat"


def touch(process: str) -> None:
    path = path_of(process)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644))
    os.utime(path)


def is_fresh(process: str) -> bool:
    try:
        touched = os.stat(path_of(process)).st_mtime  # noqa: PTH116 - pathlib takes as long as the interpreter
    except FileNotFoundError:
        return False
    return abs(time.time() - touched) < FRESH_SECONDS


if __name__ == "__main__":
    sys.exit(0 if is_fresh(sys.argv[1]) else 1)
