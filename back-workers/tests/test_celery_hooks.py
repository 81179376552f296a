"""Logs and heartbeats of the worker, without a broker."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog

import heartbeat
from tasks.celery_hooks import WorkerHeartbeat, _log_as_every_service


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEARTBEAT_DIR", str(tmp_path))
    return tmp_path


class FakeTimer:
    """Like kombu's: false while it has nothing to do."""

    def __init__(self) -> None:
        self.every: float | None = None

    def __len__(self) -> int:
        return 0

    def call_repeatedly(
        self, seconds: float, call: Callable[..., None], arguments: tuple[str, ...]
    ) -> None:
        self.every = seconds
        call(*arguments)


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class FakeWorker(SimpleNamespace):
    """As Celery's: its text is its hostname."""

    def __str__(self) -> str:
        return "celery-low@a-machine"


class TestWorkerHeartbeat:
    def test_it_beats_from_the_workers_timer_under_the_workers_name(self) -> None:
        timer = FakeTimer()
        worker = FakeWorker(timer=timer)
        WorkerHeartbeat.start(WorkerHeartbeat.__new__(WorkerHeartbeat), worker)  # type: ignore[arg-type]
        assert timer.every == heartbeat.BEAT_SECONDS
        assert heartbeat.is_fresh("celery-low")


@pytest.mark.usefixtures("settings", "logging_as_before")
class TestLogs:
    def test_they_have_the_form_of_every_service(self, capfd: pytest.CaptureFixture[str]) -> None:
        _log_as_every_service()
        logging.getLogger("celery.app.trace").warning("hello")
        assert '"service":"back-workers"' in capfd.readouterr().out
