"""Each gate of a milestone, seen passing, failing and not yet done."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.checks.tree import Tree
from devtools.testing.milestones import gates
from devtools.testing.milestones.cli import overall
from devtools.testing.milestones.gates import Evidence, State, Verdict, failed, not_yet, passed
from devtools.testing.results import Results

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
    "drills": [("tests.drills.test_outages.TestCircuit", "test_opens_and_closes", "")],
}
GATES: dict[gates.Gate, str] = {
    gates.services_pass_their_own_tests: "back-api",
    gates.pacts_are_kept: "back-api",
    gates.errors_and_health_have_their_shape: "integration",
    gates.flows_work_on_real_services: "e2e",
    gates.events_are_prompt: "e2e",
    gates.one_id_leads_through_all: "integration",
    gates.circuits_open_and_close: "drills",
    gates.outages_degrade: "drills",
}
"""The gates that look at tests, and a part that each looks at."""

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
    return Evidence(Tree(root), Results(results))


@pytest.fixture
def report(evidence: Evidence) -> Report:
    def write(part: str, inside: str) -> None:
        cases = [CASE.format(module, name, inside) for module, name, _ in REPORTS[part]]
        text = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
        (evidence.results.folder / f"{part}.xml").write_text(text)

    for part in REPORTS:
        write(part, "")
    return write


@pytest.mark.parametrize("gate", GATES)
class TestGatesOnTests:
    def test_pass_with_them(self, gate: gates.Gate, evidence: Evidence, report: Report) -> None:
        assert gate(evidence).state is State.PASSED

    def test_fail_with_them(self, gate: gates.Gate, evidence: Evidence, report: Report) -> None:
        report(GATES[gate], "<failure/>")
        assert gate(evidence).state is State.FAILED

    def test_do_not_pass_without_them(
        self, gate: gates.Gate, evidence: Evidence, report: Report
    ) -> None:
        for part in REPORTS:
            report(part, "<skipped/>")
        assert gate(evidence).state is not State.PASSED


def test_a_service_without_tests_has_not_passed_them(evidence: Evidence) -> None:
    assert "back-api ran no test" in gates.services_pass_their_own_tests(evidence).why


class TestLogs:
    def test_pass(self, evidence: Evidence) -> None:
        assert gates.logs_hold_no_unhandled_error(evidence).state is State.PASSED

    @pytest.mark.parametrize(
        "entry",
        [{"event": "request_crashed"}, {"event": "background_crashed"}, {"level": "ERROR"}],
    )
    def test_fail_on_an_unhandled_error(self, evidence: Evidence, entry: dict[str, str]) -> None:
        log = evidence.results.folder / "logs" / "back-auth.log"
        log.write_text(json.dumps(entry) + "\n")
        verdict = gates.logs_hold_no_unhandled_error(evidence)
        assert verdict.state is State.FAILED
        assert verdict.why.startswith("back-auth: ")

    def test_that_are_missing_prove_nothing(self, evidence: Evidence) -> None:
        (evidence.results.folder / "logs" / "back-api.log").unlink()
        assert gates.logs_hold_no_unhandled_error(evidence).state is State.NOT_YET


class TestSecrets:
    def test_pass(self, evidence: Evidence) -> None:
        assert gates.secrets_are_files(evidence).state is State.PASSED

    def test_in_a_file_of_the_environment_fail(self, evidence: Evidence) -> None:
        (evidence.tree.root / "back-api" / ".env").write_text("X=1")
        assert gates.secrets_are_files(evidence).why == "back-api/.env exists"

    def test_in_the_topology_fail(self, evidence: Evidence) -> None:
        compose = evidence.tree.root / "docker-compose.yml"
        compose.write_text("services: {back-api: {environment: {POSTGRES_PASSWORD: x}}}\n")
        assert "back-api gets POSTGRES_PASSWORD" in gates.secrets_are_files(evidence).why


def test_runbooks_that_do_not_exist_are_not_yet(evidence: Evidence) -> None:
    assert gates.runbooks_exist(evidence).state is State.NOT_YET
    (evidence.tree.root / "docs" / "runbooks").mkdir(parents=True)
    (evidence.tree.root / "docs" / "runbooks" / "disk-full.md").write_text("")
    assert gates.runbooks_exist(evidence).state is State.PASSED


@pytest.mark.parametrize(
    "verdicts,state",
    [
        ([passed("")], State.PASSED),
        ([passed(""), not_yet("")], State.NOT_YET),
        ([failed(["x"]), not_yet("")], State.FAILED),
    ],
)
def test_a_milestone_is_as_good_as_its_worst_gate(verdicts: list[Verdict], state: State) -> None:
    assert overall(verdicts) is state


def test_the_first_few_of_many_failures_are_told() -> None:
    assert failed(str(number) for number in range(7)).why == "0; 1; 2; 3; 4; and 2 more"
