"""What a gate finds."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from devtools.testing.results import Case

SHOWN = 5


class State(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_YET = "not yet"


@dataclass(frozen=True)
class Verdict:
    state: State
    why: str


def passed(why: str) -> Verdict:
    return Verdict(State.PASSED, why)


def failed(what: Iterable[str]) -> Verdict:
    """`what` is all that is wrong; the first few are shown."""
    every = list(what)
    more = [f"and {len(every) - SHOWN} more"] if len(every) > SHOWN else []
    return Verdict(State.FAILED, "; ".join([*every[:SHOWN], *more]))


def not_yet(why: str) -> Verdict:
    return Verdict(State.NOT_YET, why)


def of_cases(cases: Iterable[Case], otherwise: str) -> Verdict:
    """All of these tests passed. Where none ran: `otherwise`, not yet."""
    every = list(cases)
    if broken := [f"{case.part}: {case.name}" for case in every if case.outcome == "failed"]:
        return failed(broken)
    ran = [case for case in every if case.outcome == "passed"]
    return passed(f"{len(ran)} tests") if ran else not_yet(otherwise)
