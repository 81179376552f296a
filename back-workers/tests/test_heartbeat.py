import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import heartbeat
from tests.broker_processes import FOLDER


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEARTBEAT_DIR", str(tmp_path))
    return tmp_path


def check(process: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "heartbeat", process], cwd=FOLDER, check=False
    ).returncode


class TestCheck:
    def test_a_process_that_never_ran_is_dead(self) -> None:
        assert check("relay") == 1

    def test_a_process_that_just_beat_is_alive(self) -> None:
        heartbeat.touch("relay")
        assert check("relay") == 0

    def test_a_process_that_stopped_beating_is_dead(self) -> None:
        heartbeat.touch("relay")
        long_ago = time.time() - heartbeat.FRESH_SECONDS - 1
        os.utime(heartbeat.path_of("relay"), (long_ago, long_ago))
        assert not heartbeat.is_fresh("relay")

    def test_one_of_the_future_says_nothing(self) -> None:
        heartbeat.touch("relay")
        later = time.time() + 3600
        os.utime(heartbeat.path_of("relay"), (later, later))
        assert not heartbeat.is_fresh("relay")

    def test_each_process_has_its_own(self) -> None:
        heartbeat.touch("relay")
        assert not heartbeat.is_fresh("beat")

    def test_it_costs_little_more_than_an_interpreter(self) -> None:
        assert not {"pathlib", "shutil", "tempfile"} & imported("heartbeat")


def test_the_command_line_of_celery_imports_no_shell() -> None:
    modules = imported("celery.bin.celery")
    assert "celery" in modules
    assert "prompt_toolkit" not in modules


def imported(module: str) -> set[str]:
    """The top-level modules that a process of this folder has after it imported `module`."""
    script = f"import sys, {module}\nprint(*{{it.partition('.')[0] for it in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=FOLDER, capture_output=True, text=True, check=True
    )
    return {*done.stdout.split()}
