"""What `./dev test --results FOLDER` left: a case for each test, and the logs of its stack."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Case:
    """One test; `name` is its module, class and name as `tests.e2e.test_x.TestY.test_z[id]`."""

    part: str
    name: str
    outcome: Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Results:
    folder: Path

    @cached_property
    def cases(self) -> list[Case]:
        return [case for report in sorted(self.folder.glob("*.xml")) for case in cases(report)]

    def of_part(self, part: str) -> list[Case]:
        return [case for case in self.cases if case.part == part]

    @property
    def has_logs(self) -> bool:
        return any((self.folder / "logs").glob("*.log"))

    def log_entries(self) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Every structured line of every log, with the name of its service."""
        for log in sorted((self.folder / "logs").glob("*.log*")):
            for line in log.read_text(errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield log.name.partition(".")[0], entry


def cases(report: Path) -> Iterator[Case]:
    """The tests of one JUnit report of pytest."""
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own pytest's
        kinds = {child.tag for child in case}
        outcome: Literal["passed", "failed", "skipped"] = "passed"
        if kinds & {"failure", "error"}:
            outcome = "failed"
        elif "skipped" in kinds:
            outcome = "skipped"
        yield Case(report.stem, f"{case.get('classname')}.{case.get('name')}", outcome)
