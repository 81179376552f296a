"""The real broker of the tests, and processes of this service that use it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from redis import Redis

FOLDER = Path(__file__).parent.parent


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker of the tests is; an empty password means that it asks for none."""

    host: str
    port: int
    password: str

    @property
    def user(self) -> str:
        return "back-workers" if self.password else "default"

    def empty(self) -> None:
        with Redis(self.host, self.port, username=self.user, password=self.password) as redis:
            redis.flushdb()


def broker_address() -> BrokerAddress:
    """From TEST_BROKER_HOST, TEST_BROKER_PORT and TEST_BROKER_PASSWORD."""
    if "TEST_BROKER_PORT" not in os.environ:
        pytest.fail("this test needs a broker: run ./dev test back-workers", pytrace=False)
    return BrokerAddress(
        os.environ.get("TEST_BROKER_HOST", "127.0.0.1"),
        int(os.environ["TEST_BROKER_PORT"]),
        os.environ.get("TEST_BROKER_PASSWORD", ""),
    )


@contextmanager
def process(
    *arguments: str, env: dict[str, str], output: BinaryIO | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this service, with a process group of its own that ends with the block.

    `output` is the file of what it prints, otherwise that of the tests.
    """
    running = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=FOLDER,
        env={**os.environ, **env},
        start_new_session=True,
        stdout=output,
        stderr=output,
    )
    try:
        yield running
    finally:
        kill(running)


def kill(running: subprocess.Popen[bytes]) -> None:
    """Kill -9 for the process and its children."""
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        running.wait()
