"""What subjects are compared with, each in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 20


@contextmanager
def control(*command: str, **environment: str) -> Iterator[tuple[str, int]]:
    """Run a module with arguments, `{port}` among them being a free port; its address and id.

    Raises TimeoutError when nothing listens there in time.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", *(word.format(port=port) for word in command)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **environment},
    )
    try:
        ends = time.monotonic() + START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > ends:
                raise TimeoutError(f"{command[0]} does not listen")
            time.sleep(0.05)
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
