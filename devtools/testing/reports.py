"""What pytest and Vitest report of a part (JUnit XML), and its counts."""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FAILURES = {"failure", "error"}
FLAKY = "flakyFailure"
"""What Maven's Surefire calls a failure that was not repeated when its test ran again."""


@dataclass(frozen=True)
class Case:
    """One test; `name` is its module, class and name as `tests.e2e.test_x.TestY.test_z[id]`."""

    part: str
    name: str
    outcome: Literal["passed", "failed", "skipped"]


def cases(report: Path) -> Iterator[Case]:
    """The tests of one JUnit report of pytest; none where it was not written."""
    if not report.exists():
        return
    for case in _read(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome: Literal["passed", "failed", "skipped"] = "passed"
        if kinds & FAILURES:
            outcome = "failed"
        elif "skipped" in kinds:
            outcome = "skipped"
        yield Case(report.stem, _name(case), outcome)


def excuse(report: Path, second_try: Path) -> tuple[str, ...]:
    """Marks the failures in `report` that `second_try` did not repeat; the names of their tests."""
    passed = {case.name for case in cases(second_try) if case.outcome == "passed"}
    tree = _read(report)
    flaky = []
    for case in tree.iter("testcase"):
        failures = [child for child in case if child.tag in FAILURES]
        if failures and _name(case) in passed:
            flaky.append(_name(case))
            for failure in failures:
                failure.tag = FLAKY
    tree.write(report, encoding="utf-8", xml_declaration=True)
    return tuple(flaky)


def _read(report: Path) -> "ET.ElementTree[ET.Element]":
    return ET.parse(report)  # noqa: S314 - our own pytest's


def _name(case: ET.Element) -> str:
    return f"{case.get('classname')}.{case.get('name')}"


@dataclass(frozen=True)
class Outcome:
    """The counts of one part; `log` is what it printed, `seconds` its whole time.

    `flaky` names those of the passed tests that failed at their first try.
    """

    part: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    log: str = ""
    flaky: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        return f"{self.part:<16} {counts([self]):<32} {self.seconds:6.1f} s"


def counts(outcomes: Iterable[Outcome]) -> str:
    """`N passed, N failed`, and `, N skipped` if any."""
    outcomes = list(outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def outcome_of(part: str, exit_code: int, report: Path, seconds: float, log: str) -> Outcome:
    """Reads pytest's JUnit report.

    A part fails as one test more where pytest failed without a failed test: coverage below its
    floor, nothing collected, or an end before the report was written.
    """
    ran = Counter(case.outcome for case in cases(report))
    passed, failed = ran["passed"], ran["failed"]
    if failed == 0 and (exit_code != 0 or passed == 0):
        failed = 1
    return Outcome(part, passed, failed, ran["skipped"], seconds, log)
