import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from devtools.stack import logs
from devtools.stack.logs import LIMIT, LogFile, files_of, merged, parse
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


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_json_lines_stay_as_they_are(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("back-api")
    log.write(b'{"event": "started", "n": 1}\n')
    assert (tmp_path / "back-api.log").read_bytes() == b'{"event": "started", "n": 1}\n'


def test_other_lines_are_wrapped_with_time_and_service(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("postgres")
    log.write(b"database system is re")
    log.write(b"ady\n\n")
    (entry,) = lines(tmp_path / "postgres.log")
    assert entry["event"] == "database system is ready"
    assert entry["service"] == "postgres"
    assert str(entry["time"]).startswith("20")


def test_an_unfinished_line_is_kept_at_the_end(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("valkey")
    log.write(b"out of memory")
    log.close()
    assert lines(tmp_path / "valkey.log")[0]["event"] == "out of memory"


def test_a_file_past_its_limit_is_rotated_once(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("a", limit=100)
    for number in range(20):
        log.write(json.dumps({"event": f"event number {number}"}).encode() + b"\n")
    assert {path.name for path in tmp_path.iterdir()} == {"a.log", "a.log.1"}
    assert (tmp_path / "a.log.1").stat().st_size < 200


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("a", limit=100)
    log.write(b"x" * 150)
    assert (tmp_path / "a.log.1").exists()


def test_a_full_disk_costs_lines_and_nothing_else(log_of: LogOf) -> None:
    log = log_of("a")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    log._file.close()
    log._file = full.open("ab", buffering=0)
    log.write(b"lost\n")
    assert [entry["event"] for entry in log.last_entries(1)] == ["lost"]


def test_last_entries_are_the_services_own(tmp_path: Path, log_of: LogOf) -> None:
    log = log_of("a")
    log.write(b"first\nsecond\n")
    log.note("process_ended", reason="exited with code 1")
    assert [entry["event"] for entry in log.last_entries(5)] == ["first", "second"]


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
    entry = parse(
        b'{"time": "2026-01-01T09:08:07.123Z", "level": "warning", "event": "slow",'
        b' "seconds": 3, "empty": null, "correlation_id": "c-1"}',
        "back-api",
    )
    assert entry
    text = logs.line(entry).plain
    assert text.split() == ["09:08:07.123", "warni", "back-api", "slow", "seconds=3", "[c-1]"]


def test_what_is_no_json_is_shown_as_it_is() -> None:
    entry = parse(b"plain words\n", "nginx")
    assert entry
    assert logs.line(entry).plain.split() == ["info", "nginx", "plain", "words"]


def test_logs_of_nobody_name_those_there_are(tmp_path: Path, log_of: LogOf) -> None:
    with pytest.raises(DevError, match="there are: none yet"):
        logs.show(Console(), tmp_path, "back-ap", 10, follow=False)
    log_of("back-api")
    with pytest.raises(DevError, match="no logs of back-ap; there are: back-api"):
        logs.show(Console(), tmp_path, "back-ap", 10, follow=False)


class _EnoughError(Exception):
    pass


def test_following_goes_on_across_a_rotation(
    tmp_path: Path, log_of: LogOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_of("a", limit=60)
    log.write(b'{"event": "old", "time": "1"}\n')
    output = StringIO()
    rounds = iter(range(4))

    def write_meanwhile(_: float) -> None:
        number = next(rounds, None)
        if number is None:
            raise _EnoughError
        log.write(b'{"event": "new-%d", "time": "2"}\n' % number)
        if number == 2:
            log_of("b").write(b'{"event": "from-b", "time": "3"}\n')

    monkeypatch.setattr("time.sleep", write_meanwhile)
    with pytest.raises(_EnoughError):
        logs.show(Console(file=output, width=200), tmp_path, None, 10, follow=True)
    said = output.getvalue()
    for word in ("old", "new-0", "new-1", "new-2", "new-3", "from-b"):
        assert said.count(word) == 1
