"""What came of a part, and the lines that say so."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devtools.testing.results import cases


@dataclass(frozen=True)
class Outcome:
    """The counts of one part; `log` is what it printed, `seconds` its whole time."""

    part: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    log: str = ""

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
    ran = Counter(case.outcome for case in cases(report)) if report.exists() else Counter()
    passed, failed = ran["passed"], ran["failed"]
    if failed == 0 and (exit_code != 0 or passed == 0):
        failed = 1
    return Outcome(part, passed, failed, ran["skipped"], seconds, log)
