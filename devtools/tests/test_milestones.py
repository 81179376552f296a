"""Each gate of a milestone, seen passing, failing and not yet done."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.cli import LAZY, command_tree
from devtools.testing.milestones import Gate, OfTests, State, Verdict, judged, milestones, overall
from devtools.workspace.repository import ROOT

CASE = '<testcase classname="{}" name="{}">{}</testcase>'
REPORTS = {
    "back-api": [
        ("tests.test_x", "test_one", ""),
        ("tests.test_pacts", "test_keeps[back-workers-back-api]", ""),
    ],
    "integration": [
        ("tests.integration.test_every_service.TestEveryService", "test_health[back-api]", ""),
        ("tests.integration.test_correlation.TestOneId", "test_is_in_every_log", ""),
    ],
    "e2e": [("tests.e2e.test_promptness", "test_a_mail_comes", "")],
    "drills": [
        ("tests.drills.test_circuit_breaker", "test_circuit_opens_and_closes", ""),
        ("tests.drills.test_exactly_once", "test_every_write", ""),
        ("tests.drills.test_live.TestRestarts", "test_lose_nothing", ""),
    ],
}
GATES = {
    "services pass their own tests": "back-api",
    "pacts are kept by their providers": "back-api",
    "errors and health have their shape": "integration",
    "flows work on real services": "e2e",
    "mail within 2 s, live events within 1 s": "e2e",
    "one correlation id through all services": "integration",
    "every accepted write has each effect once": "drills",
    "a live client misses and repeats nothing": "drills",
    "circuits open and close again": "drills",
    "an outage brings nobody else down": "drills",
}
"""The gates that look at tests, and a part that each looks at."""

ALL_GATES = {title: gate for it in milestones().values() for title, gate in it.gates.items()}
LOGS = ALL_GATES["no unhandled error in a log"]
Report = Callable[[str, str], None]


class Evidence:
    """A repository and the results of its tests, in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.root, self.results = folder / "repository", folder / "results"
        (self.root / "back-api").mkdir(parents=True)
        workspace = '[tool.uv.workspace]\nmembers = ["back-api"]\n'
        (self.root / "pyproject.toml").write_text(workspace)
        (self.results / "logs").mkdir(parents=True)
        log = '{"event": "request", "level": "info"}\nplain\n'
        (self.results / "logs" / "back-api.log").write_text(log)

    def verdict(self, gate: Gate) -> Verdict:
        return gate.judge(self.root, self.results)


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence(tmp_path)


@pytest.fixture
def report(evidence: Evidence) -> Report:
    def write(part: str, inside: str) -> None:
        cases = [CASE.format(module, name, inside) for module, name, _ in REPORTS[part]]
        text = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
        (evidence.results / f"{part}.xml").write_text(text)

    for part in REPORTS:
        write(part, "")
    return write


@pytest.mark.parametrize("gate", GATES)
class TestGatesOnTests:
    def test_pass_with_them(self, gate: str, evidence: Evidence, report: Report) -> None:
        assert evidence.verdict(ALL_GATES[gate]).state is State.PASSED

    def test_fail_with_them(self, gate: str, evidence: Evidence, report: Report) -> None:
        report(GATES[gate], "<failure/>")
        assert evidence.verdict(ALL_GATES[gate]).state is State.FAILED

    def test_do_not_pass_without_them(self, gate: str, evidence: Evidence, report: Report) -> None:
        for part in REPORTS:
            report(part, "<skipped/>")
        assert evidence.verdict(ALL_GATES[gate]).state is not State.PASSED


def test_a_service_without_tests_has_not_passed_them(evidence: Evidence) -> None:
    verdict = evidence.verdict(ALL_GATES["services pass their own tests"])
    assert verdict == (State.NOT_YET, "no test ran of back-api")


def test_each_part_of_a_gate_must_have_run(evidence: Evidence, report: Report) -> None:
    (evidence.results / "e2e.xml").unlink()
    verdict = evidence.verdict(ALL_GATES["flows work on real services"])
    assert verdict == (State.NOT_YET, "no test ran of e2e")


def test_what_has_no_test_yet_is_named(evidence: Evidence, report: Report) -> None:
    gate = Gate(tests=OfTests(of=["drills"], named="test_floods"))
    assert evidence.verdict(gate) == (State.NOT_YET, "no test test_floods ran of drills")


class TestLogs:
    def test_pass(self, evidence: Evidence) -> None:
        assert evidence.verdict(LOGS).state is State.PASSED

    @pytest.mark.parametrize(
        "entry",
        [{"event": "request_crashed"}, {"event": "background_crashed"}, {"level": "ERROR"}],
    )
    def test_fail_on_an_unhandled_error(self, evidence: Evidence, entry: dict[str, str]) -> None:
        log = evidence.results / "logs" / "back-auth.log"
        log.write_text(json.dumps(entry) + "\n")
        verdict = evidence.verdict(LOGS)
        assert verdict.state is State.FAILED
        assert verdict.why.startswith("back-auth: ")

    def test_that_are_missing_prove_nothing(self, evidence: Evidence) -> None:
        (evidence.results / "logs" / "back-api.log").unlink()
        assert evidence.verdict(LOGS).state is State.NOT_YET


def test_a_command_that_fails_fails_its_gate(evidence: Evidence) -> None:
    evidence.root = ROOT
    assert evidence.verdict(Gate(command="help")) == (State.PASSED, "./dev help")
    verdict = evidence.verdict(Gate(command="helm"))
    assert verdict.state is State.FAILED
    assert "helm" in verdict.why


def test_commands_of_gates_exist() -> None:
    known = {*command_tree().commands, *LAZY}
    assert {it.command.split()[0] for it in ALL_GATES.values() if it.command} <= known


def test_runbooks_that_do_not_exist_are_not_yet(evidence: Evidence) -> None:
    gate = ALL_GATES["runbooks exist"]
    assert evidence.verdict(gate).state is State.NOT_YET
    (evidence.root / "docs" / "runbooks").mkdir(parents=True)
    (evidence.root / "docs" / "runbooks" / "disk-full.md").write_text("")
    assert evidence.verdict(gate).state is State.PASSED


@pytest.mark.parametrize(
    "states,worst",
    [
        ([State.PASSED], State.PASSED),
        ([State.PASSED, State.NOT_YET], State.NOT_YET),
        ([State.FAILED, State.NOT_YET], State.FAILED),
    ],
)
def test_a_milestone_is_as_good_as_its_worst_gate(states: list[State], worst: State) -> None:
    assert overall(states) is worst


def test_the_first_few_of_many_failures_are_told() -> None:
    assert (
        judged((str(number) for number in range(7)), "proof", "").why == "0; 1; 2; 3; 4; and 2 more"
    )
