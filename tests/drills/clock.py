"""A clock of single processes that jumps while they run."""

import os
from pathlib import Path

import pytest

_SITE_CUSTOMIZE = """
import time
from pathlib import Path

real, ahead = time.time, Path(__file__).with_name("ahead")
time.time = lambda: real() + float(ahead.read_text())
"""


def _library() -> Path | None:
    named = os.environ.get("FAKETIME_LIBRARY")
    found = [Path(named)] if named else Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return next((it for it in found if it.exists()), None)


class JumpingClock:
    """The time of day of every process that is started with `environment`, by libfaketime.

    What passes between two moments (the monotonic clock, time-outs) is left alone. Skips the test
    where there is no libfaketime.
    """

    def __init__(self, folder: Path) -> None:
        library = _library()
        if library is None:
            pytest.skip(
                "this drill needs libfaketime: apt install libfaketime, or name the file "
                "libfaketimeMT.so.1 in FAKETIME_LIBRARY"
            )
        self._file = folder / "clock"
        self.put_forward(0)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def put_forward(self, seconds: int) -> None:
        """Set by how much the clock is ahead of the real one; behind it, when negative."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)


class JumpingPythonClock:
    """`time.time` of every Python process that is started with `environment`.

    For those that sleep: libfaketime breaks `time.sleep` where it leaves the monotonic clock alone.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ahead"
        self.put_forward(0)
        (folder / "sitecustomize.py").write_text(_SITE_CUSTOMIZE)
        self.environment = {"PYTHONPATH": str(folder)}

    def put_forward(self, seconds: int) -> None:
        """Set by how much the clock is ahead of the real one; behind it, when negative."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self._file)
