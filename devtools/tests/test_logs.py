import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from unittest.mock import Mock

import pytest
from rich.console import Console

from devtools.stack import logs
from devtools.stack.logs import LIMIT, LogFile, entries, files_of, merged
from devtools.workspace.errors import DevError

LogOf = Callable[..., LogFile]


@pytest.fixture
def log_of(tmp_path: Path) -> Iterator[LogOf]:
    with ExitStack() as opened:

        def make(service: str, limit: int = LIMIT) -> LogFile:
            log = LogFile(tmp_path, service, limit)
            opened.callback(log.close)
            return log

        yield make


def test_what_a_process_writes_is_in_the_file_as_it_is(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("back-api")
    command = ["/bin/sh", "-c", "echo out; echo error >&2"]
    subprocess.run(command, stdout=log.fileno(), stderr=log.fileno(), check=True)
    assert (tmp_path / "back-api.log").read_bytes() == b"out\nerror\n"


def test_a_full_file_is_copied_and_emptied_under_its_writer(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("a", limit=100)
    for number in range(3):
        os.write(log.fileno(), b"%d" % number * 101 + b"\n")
        assert log.is_full
        log.rotate()
        assert not log.is_full
    os.write(log.fileno(), b"after\n")
    assert {path.name for path in tmp_path.iterdir()} == {"a.log", "a.log.1"}
    assert (tmp_path / "a.log.1").read_bytes() == b"2" * 101 + b"\n"
    assert (tmp_path / "a.log").read_bytes() == b"after\n"


def test_a_copy_that_fails_costs_lines_and_nothing_else(
    log_of: LogOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of("a", limit=1)
    os.write(log.fileno(), b"lost\n")
    monkeypatch.setattr("shutil.copyfile", Mock(side_effect=OSError("the disk is full")))
    log.rotate()
    assert not log.is_full


def test_last_entries_are_the_services_own_of_this_start(tmp_path: Path, log_of: LogOf) -> None:
    (tmp_path / "a.log").write_text("an earlier start\n")
    log = log_of("a")
    os.write(log.fileno(), b'first\n{"event": "second", "logger": "uvicorn"}\nno end of line')
    log.note("process_ended", reason="exited with code 1")
    said = [entry["event"] for entry in log.last_entries(5)]
    assert said == ["first", "second", "no end of line"]
    assert [entry["event"] for entry in log.last_entries(1)] == said[-1:]


def test_logs_are_merged_by_time(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        '{"time": "2026-01-01T00:00:01Z", "event": "one"}\n'
        '{"time": "2026-01-01T00:00:03Z", "event": "three"}\n'
    )
    (tmp_path / "b.log").write_text('{"time": "2026-01-01T00:00:02Z", "event": "two"}\n\n')
    entries = list(merged(files_of(tmp_path, None), 10))
    assert [entry["event"] for entry in entries] == ["one", "two", "three"]
    assert [entry["service"] for entry in entries] == ["a", "b", "a"]
    assert [entry["event"] for entry in merged(files_of(tmp_path, "a"), 1)] == ["three"]


def test_a_line_reads_as_time_level_service_event_values_and_correlation() -> None:
    said = (
        b'{"time": "2026-01-01T09:08:07.123Z", "level": "warning", "event": "slow",'
        b' "seconds": 3, "empty": null, "correlation_id": "c-1"}'
    )
    (entry,) = entries([said], "back-api")
    text = logs.line(entry).plain
    assert text.split() == ["09:08:07.123", "warni", "back-api", "slow", "seconds=3", "[c-1]"]


@pytest.mark.parametrize(
    "text, time",
    [
        ("2026-01-02 09:08:07.123 UTC [7] LOG:  ready", "2026-01-02T09:08:07.123"),
        ("2026-01-02 09:08:07,123 INFO  [main] ready", "2026-01-02T09:08:07.123"),
        ("2026/01/02 09:08:07 [notice] 7#7: ready", "2026-01-02T09:08:07"),
        ("7:M 2026-01-02T09:08:07.123+00:00 * ready", "2026-01-02T09:08:07.123"),
        ("plain words", ""),
        ('{"event": no JSON', ""),
        ('["event"]', ""),
    ],
    ids=["PostgreSQL", "Cassandra", "nginx", "Valkey", "words", "odd", "list"],
)
def test_what_is_no_json_is_shown_as_it_is_at_its_time(text: str, time: str) -> None:
    (entry,) = entries([text.encode()], "engine")
    assert entry == {"time": time, "service": "engine", "event": text}
    assert logs.line(entry).plain.split()[-len(text.split()) :] == text.split()


def test_a_line_without_a_time_stays_behind_the_one_before_it(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2026-01-01 00:00:03 ERROR crash\n  at line 1\n")
    (tmp_path / "b.log").write_text('{"time": "2026-01-01T00:00:02Z", "event": "two"}\n')
    said = [entry["event"] for entry in merged(files_of(tmp_path, None), 10)]
    assert said == ["two", "2026-01-01 00:00:03 ERROR crash", "at line 1"]


def test_logs_of_nobody_name_those_there_are(tmp_path: Path, log_of: LogOf) -> None:
    with pytest.raises(DevError, match="there are: none yet"):
        logs.show(Console(), tmp_path, "back-ap", 10, follow=False)
    log_of("back-api")
    with pytest.raises(DevError, match="no logs of back-ap; there are: back-api"):
        logs.show(Console(), tmp_path, "back-ap", 10, follow=False)


def test_a_trace_is_the_lines_of_all_services_that_name_the_id(tmp_path: Path) -> None:
    said = '{"time": "2026-01-01T00:00:0%d", "event": "%s", "correlation_id": "%s"}\n'
    (tmp_path / "a.log.1").write_text(said % (1, "one", "c-1") + said % (2, "other", "c-10"))
    (tmp_path / "a.log").write_text(said % (4, "three", "c-1"))
    (tmp_path / "b.log").write_text(said % (3, "two", "c-1") + said % (3, "other", "x-c-1"))
    output = StringIO()
    logs.trace(Console(file=output, width=200), tmp_path, "c-1")
    assert [it.split()[2:4] for it in output.getvalue().splitlines()] == [
        ["a", "one"],
        ["b", "two"],
        ["a", "three"],
    ]
    with pytest.raises(DevError, match="names c-2"):
        logs.trace(Console(), tmp_path, "c-2")


class _EnoughError(Exception):
    pass


def test_following_goes_on_across_a_rotation(
    tmp_path: Path, log_of: LogOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of("a")
    os.write(log.fileno(), b'{"event": "old", "time": "1"}\n')
    output = StringIO()
    rounds = iter(range(4))

    def write_meanwhile(_: float) -> None:
        number = next(rounds, None)
        if number is None:
            raise _EnoughError
        os.write(log.fileno(), b'{"event": "new-%d", "time": "2"}\n{"event":' % number)
        os.write(log.fileno(), b' "more-%d", "time": "2"}\n' % number)
        if number == 2:
            log.rotate()
            os.write(log_of("b").fileno(), b'{"event": "from-b", "time": "3"}\n')

    monkeypatch.setattr("time.sleep", write_meanwhile)
    with pytest.raises(_EnoughError):
        logs.show(Console(file=output, width=200), tmp_path, None, 10, follow=True)
    said = output.getvalue()
    for word in ("old", *(f"{it}-{number}" for it in ("new", "more") for number in range(4))):
        assert said.count(word) == 1
    assert said.count("from-b") == 1
