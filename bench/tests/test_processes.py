"""CPU and memory of process trees, and controls in processes of their own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from controls import control
from processes import cpu_between, cpu_seconds, memory

BUSY = (
    "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"
)


@pytest.fixture
def busy() -> Iterator[int]:
    """A shell whose child used 0.3 s of CPU."""
    shell = subprocess.Popen(
        ["sh", "-c", '"$0" -c "$1"; true', sys.executable, BUSY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with shell:
        assert shell.stdout
        shell.stdout.readline()
        yield shell.pid


def test_the_cpu_of_children_counts(busy: int) -> None:
    used = cpu_seconds({"shell": busy})
    assert used["shell"] >= 0.25


def test_a_child_with_a_name_of_its_own_is_not_counted_twice(busy: int) -> None:
    (child,) = psutil.Process(busy).children()
    used = cpu_seconds({"shell": busy, "child": child.pid})
    assert used["shell"] < 0.25 <= used["child"]


def test_memory_is_that_of_the_whole_tree(busy: int) -> None:
    used = memory({"shell": busy})["shell"]
    assert 1 < used.pss <= used.rss < 100


def test_a_process_that_is_gone_used_nothing() -> None:
    assert cpu_seconds({"gone": 2**22 + 1}) == {"gone": 0}


def test_a_process_without_a_time_before_counts_whole() -> None:
    assert cpu_between({"kept": 5.0, "anew": 9.0}, {"kept": 7.0, "new": 1.5, "anew": 1.0}) == {
        "kept": 2.0,
        "new": 1.5,
        "anew": 0.0,
    }


def test_a_control_listens_until_the_end_of_the_block() -> None:
    with control("http.server", "{port}", "--bind", "127.0.0.1") as (address, pid):
        host, port = address.split(":")
        socket.create_connection((host, int(port))).close()
        os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_a_control_that_ends_is_an_error() -> None:
    with pytest.raises(TimeoutError, match="no_such_module"), control("no_such_module"):
        pass
