"""The gates of the three milestones, in the order of the table."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from devtools.checks import tools
from devtools.checks.tree import Tree
from devtools.testing.results import Case, Results

CRASHES = {"request_crashed", "background_crashed"}
ERROR_LEVELS = {"error", "critical"}
SHOWN = 5
SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|PRIVATE_KEY)$")


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


@dataclass(frozen=True)
class Evidence:
    """What gates look at: the repository, and the results of its tests."""

    tree: Tree
    results: Results

    @property
    def services(self) -> list[str]:
        return [service.name for service in self.tree.services]

    def tests(self, *words: str) -> list[Case]:
        """The tests whose names have one of these words."""
        return [case for case in self.results.cases if any(word in case.name for word in words)]


Gate = Callable[[Evidence], Verdict]


def tests_pass(name: str, otherwise: str) -> Gate:
    """All tests that have this in their names; `otherwise` is the reason where none ran."""
    return lambda evidence: of_cases(evidence.tests(name), otherwise)


errors_and_health_have_their_shape = tests_pass(
    "test_every_service", "./dev test integration did not run"
)
events_are_prompt = tests_pass("test_promptness", "no test of promptness ran")
one_id_leads_through_all = tests_pass("test_correlation", "./dev test integration did not run")


def contracts_hold(evidence: Evidence) -> Verdict:
    complaint = asyncio.run(tools.contracts(evidence.tree))
    return failed([complaint.strip()]) if complaint else passed("./dev contracts check")


def services_pass_their_own_tests(evidence: Evidence) -> Verdict:
    by_service = {name: evidence.results.of_part(name) for name in evidence.services}
    if untested := [name for name, cases in by_service.items() if not cases]:
        return failed(f"{name} ran no test" for name in untested)
    return of_cases((case for cases in by_service.values() for case in cases), "")


def pacts_are_kept(evidence: Evidence) -> Verdict:
    """Each pact that a consumer wrote has a passed test of its provider."""
    pacts = sorted((evidence.tree.root / "tests" / "contracts" / "pacts").glob("*.json"))
    kept = {case.name for case in evidence.tests("pact") if case.outcome == "passed"}
    if broken := [path.stem for path in pacts if not any(f"[{path.stem}]" in it for it in kept)]:
        return failed(f"the pact {name} was not verified" for name in broken)
    return passed(f"{len(pacts)} pacts") if pacts else not_yet("no consumer has written a pact")


def flows_work_on_real_services(evidence: Evidence) -> Verdict:
    parts = [evidence.results.of_part(part) for part in ("integration", "e2e")]
    if not all(parts):
        return not_yet("./dev test integration and e2e did not both run")
    return of_cases((case for part in parts for case in part), "")


def logs_hold_no_unhandled_error(evidence: Evidence) -> Verdict:
    if not evidence.results.has_logs:
        return not_yet("no stack of the tests' own ran, so there are no logs")
    wrong = [
        f"{service}: {entry.get('event')}"
        for service, entry in evidence.results.log_entries()
        if entry.get("event") in CRASHES or str(entry.get("level")).lower() in ERROR_LEVELS
    ]
    return failed(wrong) if wrong else passed("no line of level error")


def twice_the_peak_is_carried(_: Evidence) -> Verdict:
    return not_yet("no load test exists")


def circuits_open_and_close(evidence: Evidence) -> Verdict:
    drills = [case for case in evidence.results.of_part("drills") if "ircuit" in case.name]
    return of_cases(drills, "no drill opens a circuit and sees it close")


def outages_degrade(evidence: Evidence) -> Verdict:
    return of_cases(evidence.results.of_part("drills"), "./dev test drills did not run")


def runbooks_exist(evidence: Evidence) -> Verdict:
    found = sorted((evidence.tree.root / "docs" / "runbooks").glob("*.md"))
    return passed(f"{len(found)} runbooks") if found else not_yet("docs/runbooks has none")


def secrets_are_files(evidence: Evidence) -> Verdict:
    """No secret comes by a .env file or by the environment of the topology."""
    root = evidence.tree.root
    wrong = [f"{evidence.tree.relative(path)} exists" for path in _env_files(evidence.tree)]
    compose = yaml.safe_load((root / "docker-compose.yml").read_text())
    for name, service in compose["services"].items():
        if "env_file" in service:
            wrong.append(f"{name} has an env_file")
        given: Mapping[str, object] = service.get("environment", {})
        wrong += [f"{name} gets {key} by its environment" for key in given if SECRET.search(key)]
    return failed(wrong) if wrong else passed("files of secrets_init, one folder for each owner")


def _env_files(tree: Tree) -> list[Path]:
    folders = [tree.root, *(member.folder for member in tree.members)]
    return [path for folder in folders for path in folder.glob(".env*")]


@dataclass(frozen=True)
class Milestone:
    """`parts` are those of ./dev test that its gates look at."""

    title: str
    gates: Mapping[str, Gate]
    parts: tuple[str, ...]


STACK_PARTS = ("integration", "e2e")
MILESTONES = {
    1: Milestone(
        "contract compliance",
        {
            "contracts hold": contracts_hold,
            "services pass their own tests": services_pass_their_own_tests,
            "pacts are kept by their providers": pacts_are_kept,
            "errors and health have their shape": errors_and_health_have_their_shape,
        },
        ("services", "integration"),
    ),
    2: Milestone(
        "real integration",
        {
            "flows work on real services": flows_work_on_real_services,
            "mail within 2 s, live events within 1 s": events_are_prompt,
            "no unhandled error in a log": logs_hold_no_unhandled_error,
            "one correlation id through all services": one_id_leads_through_all,
        },
        STACK_PARTS,
    ),
    3: Milestone(
        "production readiness",
        {
            "twice the expected peak is carried": twice_the_peak_is_carried,
            "circuits open and close again": circuits_open_and_close,
            "an outage brings nobody else down": outages_degrade,
            "runbooks exist": runbooks_exist,
            "secrets are no environment": secrets_are_files,
        },
        ("drills",),
    ),
}
