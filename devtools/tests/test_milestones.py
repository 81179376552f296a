"""Each gate of a milestone, seen passing, failing and not yet done."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.checks.tree import Tree
from devtools.testing import milestones
from devtools.testing.milestones import MILESTONES, Evidence, State, Verdict, judged, overall

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

ALL_GATES = {title: gate for it in MILESTONES.values() for title, gate in it.gates.items()}
Report = Callable[[str, str], None]


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    root, results = tmp_path / "repository", tmp_path / "results"
    (root / "tests" / "contracts" / "pacts").mkdir(parents=True)
    (root / "tests" / "contracts" / "pacts" / "back-workers-back-api.json").write_text("{}")
    (root / "back-api").mkdir()
    (root / "devtools").mkdir()
    (root / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["back-api"]\n')
    (root / "docker-compose.yml").write_text("services: {back-api: {environment: {PORT: '1'}}}\n")
    (results / "logs").mkdir(parents=True)
    (results / "logs" / "back-api.log").write_text('{"event": "request", "level": "info"}\nplain\n')
    return Evidence(Tree(root), results)


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
        assert ALL_GATES[gate](evidence).state is State.PASSED

    def test_fail_with_them(self, gate: str, evidence: Evidence, report: Report) -> None:
        report(GATES[gate], "<failure/>")
        assert ALL_GATES[gate](evidence).state is State.FAILED

    def test_do_not_pass_without_them(self, gate: str, evidence: Evidence, report: Report) -> None:
        for part in REPORTS:
            report(part, "<skipped/>")
        assert ALL_GATES[gate](evidence).state is not State.PASSED


def test_a_service_without_tests_has_not_passed_them(evidence: Evidence) -> None:
    assert "no test ran of back-api" in milestones.services_pass_their_own_tests(evidence).why


class TestLogs:
    def test_pass(self, evidence: Evidence) -> None:
        assert milestones.logs_hold_no_unhandled_error(evidence).state is State.PASSED

    @pytest.mark.parametrize(
        "entry",
        [{"event": "request_crashed"}, {"event": "background_crashed"}, {"level": "ERROR"}],
    )
    def test_fail_on_an_unhandled_error(self, evidence: Evidence, entry: dict[str, str]) -> None:
        log = evidence.results / "logs" / "back-auth.log"
        log.write_text(json.dumps(entry) + "\n")
        verdict = milestones.logs_hold_no_unhandled_error(evidence)
        assert verdict.state is State.FAILED
        assert verdict.why.startswith("back-auth: ")

    def test_that_are_missing_prove_nothing(self, evidence: Evidence) -> None:
        (evidence.results / "logs" / "back-api.log").unlink()
        assert milestones.logs_hold_no_unhandled_error(evidence).state is State.NOT_YET


class TestSecrets:
    def test_pass(self, evidence: Evidence) -> None:
        assert milestones.secrets_are_files(evidence).state is State.PASSED

    def test_in_a_file_of_the_environment_fail(self, evidence: Evidence) -> None:
        (evidence.tree.root / "back-api" / ".env").write_text("X=1")
        assert milestones.secrets_are_files(evidence).why == "back-api/.env exists"

    def test_in_the_topology_fail(self, evidence: Evidence) -> None:
        compose = evidence.tree.root / "docker-compose.yml"
        compose.write_text("services: {back-api: {environment: {POSTGRES_PASSWORD: x}}}\n")
        assert "back-api gets POSTGRES_PASSWORD" in milestones.secrets_are_files(evidence).why


def test_runbooks_that_do_not_exist_are_not_yet(evidence: Evidence) -> None:
    assert milestones.runbooks_exist(evidence).state is State.NOT_YET
    (evidence.tree.root / "docs" / "runbooks").mkdir(parents=True)
    (evidence.tree.root / "docs" / "runbooks" / "disk-full.md").write_text("")
    assert milestones.runbooks_exist(evidence).state is State.PASSED


@pytest.mark.parametrize(
    "states,worst",
    [
        ([State.PASSED], State.PASSED),
        ([State.PASSED, State.NOT_YET], State.NOT_YET),
        ([State.FAILED, State.NOT_YET], State.FAILED),
    ],
)
def test_a_milestone_is_as_good_as_its_worst_gate(states: list[State], worst: State) -> None:
    assert overall(Verdict(state, "") for state in states) is worst


def test_the_first_few_of_many_failures_are_told() -> None:
    assert judged((str(number) for number in range(7)), "proof").why == "0; 1; 2; 3; 4; and 2 more"
