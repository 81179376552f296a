"""Log lines as they are written: one form for our own and for those of libraries."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from pydantic import BaseModel, Field

from shared.kit.http import context
from shared.kit.runtime.log import configure_logging

WRITERS = """
import os, threading
import structlog
from shared.kit.runtime.log import configure_logging

configure_logging("back-x")
child = os.fork()

def write():
    for _ in range(50):
        structlog.get_logger().info("long", text="x" * 20_000)

threads = [threading.Thread(target=write) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if child:
    os.waitpid(child, 0)
"""


class Hidden(BaseModel):
    secret: str = Field(default="a-secret", repr=False)


@dataclass(frozen=True)
class HiddenToo:
    secret: str = field(default="a-secret", repr=False)


class TestLog:
    @pytest.fixture(autouse=True)
    def logging_as_before(self) -> Iterator[None]:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        yield
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()

    def test_is_one_json_object_a_line_with_the_context(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        configure_logging("back-x")
        with context.correlated("a-correlation"):
            structlog.get_logger().warning("odd thing", n=1)
            logging.getLogger("library").warning("odd %s", "thing", extra={"n": 1})
        own, library = (json.loads(line) for line in capfd.readouterr().out.splitlines())
        assert own.keys() == library.keys()
        for entry in (own, library):
            assert entry["event"] == "odd thing"
            assert (entry["service"], entry["level"], entry["n"]) == ("back-x", "warning", 1)
            assert entry["correlation_id"] == "a-correlation"
            assert datetime.fromisoformat(entry["time"]).tzinfo == UTC

    def test_is_readable_on_a_terminal(self, capfd: pytest.CaptureFixture[str]) -> None:
        configure_logging("back-x", log_format="console")
        structlog.get_logger().info("even", n=1)
        logging.getLogger("library").warning("odd")
        even, odd = capfd.readouterr().out.splitlines()
        assert "even" in even
        assert "odd" in odd

    def test_leaves_out_what_is_below_the_level(self, capfd: pytest.CaptureFixture[str]) -> None:
        configure_logging("back-x", level="WARNING")
        structlog.get_logger().info("own")
        logging.getLogger("library").info("theirs")
        assert capfd.readouterr().out == ""

    @pytest.mark.parametrize("log_format", ["json", "console"])
    def test_a_traceback_has_no_local_variables(
        self, capfd: pytest.CaptureFixture[str], log_format: str
    ) -> None:
        configure_logging("back-x", log_format=log_format)

        def crash() -> None:
            password = "a-secret"
            raise ValueError("broken" if password else "")

        for log in (structlog.get_logger(), logging.getLogger("library")):
            try:
                crash()
            except ValueError:
                log.exception("crashed")
        said = capfd.readouterr().out
        assert said.count("crashed") == 2
        assert "test_log.py" in said
        assert "a-secret" not in said

    def test_fields_that_an_object_hides_stay_hidden(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        configure_logging("back-x")
        structlog.get_logger().info("said", model=Hidden(), data=HiddenToo())
        assert "a-secret" not in capfd.readouterr().out

    @pytest.mark.parametrize("odd", ["\ud800", 2**80, {(1, 2): 3}, b"\xff", {1: {2}}])
    def test_values_that_are_no_json_are_logged_nevertheless(
        self, capfd: pytest.CaptureFixture[str], odd: object
    ) -> None:
        configure_logging("back-x")
        structlog.get_logger().info("odd", value=odd)
        assert json.loads(capfd.readouterr().out)["event"] == "odd"

    def test_lines_of_threads_and_forks_stay_whole(self, tmp_path: Path) -> None:
        with (tmp_path / "log").open("ab") as file:
            writer = subprocess.run([sys.executable, "-c", WRITERS], stdout=file, check=False)
        lines = [json.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
        assert (writer.returncode, len(lines)) == (0, 4 * 50)
        assert {len(line["text"]) for line in lines} == {20_000}

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
    def test_a_full_disk_costs_lines_and_nothing_else(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure_logging("back-x")
        with Path("/dev/full").open("ab") as full:
            monkeypatch.setattr("shared.kit.runtime.log._STDOUT", full.fileno())
            structlog.get_logger().info("lost")
            logging.getLogger("library").warning("lost")
