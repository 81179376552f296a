"""Runs a control in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 20


@dataclass(frozen=True)
class Control:
    """A control that answers at `url`."""

    url: str
    pid: int


@contextmanager
def http_control(module: str, environment: Mapping[str, str]) -> Iterator[Control]:
    """A FastAPI app of this folder, run by uvicorn as the services are."""
    options = ["--factory", "--no-access-log", "--log-level", "warning"]
    command = ["-m", "uvicorn", f"controls.{module}:app", *options]
    with _running(command, environment, "--port") as control:
        yield control


@contextmanager
def program_control(module: str) -> Iterator[Control]:
    """A program of this folder that takes the port as its argument."""
    with _running(["-m", f"controls.{module}"], {}) as control:
        yield control


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], *before_port: str
) -> Iterator[Control]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *command, *before_port, str(port)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **environment},
    )
    try:
        _await_port(port, process)
        yield Control(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait()


def _await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the control does not answer")
