"""`./dev milestone`: the gates of integration, judged by what `./dev test --results` kept."""

import asyncio
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from devtools.checks import tools
from devtools.checks.compose import Compose
from devtools.checks.machine_paths import secret_files
from devtools.checks.tree import Tree
from devtools.testing.engines import embedded_engine
from devtools.testing.parts import chosen, parts
from devtools.testing.run import Case, PartRunner, cases
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

CRASHES = {"request_crashed", "background_crashed"}
ERROR_LEVELS = {"error", "critical"}
SHOWN = 5
SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN|PRIVATE_KEY)$")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class State(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_YET = "not yet"


STYLES = {State.FAILED: "red", State.NOT_YET: "yellow", State.PASSED: "green"}  # worst first


@dataclass(frozen=True)
class Verdict:
    state: State
    why: str


def judged(wrong: Iterable[str], proof: str, otherwise: str = "") -> Verdict:
    """Failed with the first few of what is wrong; passed with a proof; else not yet."""
    every = list(wrong)
    if every:
        more = [f"and {len(every) - SHOWN} more"] if len(every) > SHOWN else []
        return Verdict(State.FAILED, "; ".join([*every[:SHOWN], *more]))
    return Verdict(State.PASSED, proof) if proof else Verdict(State.NOT_YET, otherwise)


@dataclass(frozen=True)
class Evidence:
    """What gates look at: the repository, and the folder of `./dev test --results`."""

    tree: Tree
    results: Path

    @cached_property
    def cases(self) -> list[Case]:
        return [case for report in sorted(self.results.glob("*.xml")) for case in cases(report)]

    def of_part(self, part: str) -> list[Case]:
        return [case for case in self.cases if case.part == part]


Gate = Callable[[Evidence], Verdict]


def all_pass(otherwise: str, *of_parts: str, named: str = "") -> Gate:
    """Each of these parts ran, and all tests passed that have `named` in their names.

    Without parts it looks at the tests of all. `otherwise` is the reason where some did not run.
    """

    def gate(evidence: Evidence) -> Verdict:
        by_part = [evidence.of_part(part) for part in of_parts] or [evidence.cases]
        found = [[case for case in part if named in case.name] for part in by_part]
        every = [*chain(*found)] if all(found) else []
        ran = sum(case.outcome == "passed" for case in every)
        broken = [f"{case.part}: {case.name}" for case in every if case.outcome == "failed"]
        return judged(broken, f"{ran} tests" if ran else "", otherwise)

    return gate


def contracts_hold(evidence: Evidence) -> Verdict:
    complaint = asyncio.run(tools.contracts(evidence.tree)).strip()
    return judged([complaint] if complaint else [], "./dev contracts check")


def services_pass_their_own_tests(evidence: Evidence) -> Verdict:
    services = [it.name for it in evidence.tree.services]
    untested = [name for name in services if not evidence.of_part(name)]
    return all_pass(f"no test ran of {', '.join(untested)}", *services)(evidence)


def logs_hold_no_unhandled_error(evidence: Evidence) -> Verdict:
    wrong = [
        f"{log.name.partition('.')[0]}: {entry.get('event')}"
        for log in sorted((evidence.results / "logs").glob("*.log*"))
        for line in log.read_text(errors="replace").splitlines()
        for entry in ([json.loads(line)] if line.startswith("{") else [])
        if entry.get("event") in CRASHES or str(entry.get("level")).lower() in ERROR_LEVELS
    ]
    proof = "no line of level error" if any((evidence.results / "logs").glob("*.log")) else ""
    return judged(wrong, proof, "no stack of the tests' own ran, so there are no logs")


def runbooks_exist(evidence: Evidence) -> Verdict:
    found = list((evidence.tree.root / "docs" / "runbooks").glob("*.md"))
    return judged([], f"{len(found)} runbooks" if found else "", "docs/runbooks has none")


def secrets_are_files(evidence: Evidence) -> Verdict:
    """No secret comes by a file in the tree or by the environment of the topology."""
    tree = evidence.tree
    wrong = [f"{tree.relative(it.path)} exists" for it in secret_files(tree)]
    for name, service in Compose(tree).services.items():
        wrong += [f"{name} has an env_file"] if "env_file" in service else []
        given = filter(SECRET.search, service.get("environment", {}))
        wrong += [f"{name} gets {key} by its environment" for key in given]
    return judged(wrong, "files of secrets_init, one folder for each owner")


@dataclass(frozen=True)
class Milestone:
    """`parts` are those of ./dev test that its gates look at (`services`: all services')."""

    title: str
    parts: tuple[str, ...]
    gates: Mapping[str, Gate]


NO_INTEGRATION = "./dev test integration did not run"
MILESTONES = {
    1: Milestone(
        "contract compliance",
        ("services", "integration"),
        {
            "contracts hold": contracts_hold,
            "services pass their own tests": services_pass_their_own_tests,
            "pacts are kept by their providers": all_pass(
                "no pact was verified", named="test_pacts.test_keeps"
            ),
            "errors and health have their shape": all_pass(
                NO_INTEGRATION, named="test_every_service"
            ),
        },
    ),
    2: Milestone(
        "real integration",
        ("integration", "e2e", "drills"),
        {
            "flows work on real services": all_pass(
                "./dev test integration and e2e did not both run", "integration", "e2e"
            ),
            "mail within 2 s, live events within 1 s": all_pass(
                "no test of promptness ran", named="test_promptness"
            ),
            "every accepted write has each effect once": all_pass(
                "./dev drill exactly-once did not run", "drills", named="test_exactly_once"
            ),
            "a live client misses and repeats nothing": all_pass(
                "./dev drill live did not run", "drills", named="test_live"
            ),
            "no unhandled error in a log": logs_hold_no_unhandled_error,
            "one correlation id through all services": all_pass(
                NO_INTEGRATION, named="test_correlation"
            ),
        },
    ),
    3: Milestone(
        "production readiness",
        ("drills",),
        {
            "twice the expected peak is carried": lambda _: judged([], "", "no load test exists"),
            "circuits open and close again": all_pass(
                "no drill opens a circuit and sees it close", "drills", named="ircuit"
            ),
            "an outage brings nobody else down": all_pass(
                "./dev test drills did not run", "drills"
            ),
            "runbooks exist": runbooks_exist,
            "secrets are no environment": secrets_are_files,
        },
    ),
}


@app.command()
def milestone(
    number: Annotated[
        int,
        typer.Argument(help="1 contract compliance, 2 real integration, 3 production readiness."),
    ],
    *,
    results: Annotated[
        Path | None,
        typer.Option(help="What ./dev test --results kept; without it the tests are run here."),
    ] = None,
) -> None:
    """Run the gates of a milestone. The exit status is 0 when every gate passed."""
    if number not in MILESTONES:
        raise DevError(f"there is no milestone {number}; there are: 1, 2, 3")
    if results and not any(results.glob("*.xml")):
        raise DevError(f"{results} holds no reports: ./dev test --results {results} writes them")
    asked, tree = MILESTONES[number], Tree(ROOT)
    with tempfile.TemporaryDirectory(prefix="dev-milestone-") as folder:
        if results is None:
            services = [it.name for it in tree.services] if "services" in asked.parts else []
            wanted = [name for name in parts() if name in {*asked.parts, *services}]
            runner = PartRunner(
                embedded_engine, lambda it: typer.echo(it.line), results=Path(folder)
            )
            asyncio.run(runner.run(chosen(wanted)))
        evidence = Evidence(tree, results or Path(folder))
        verdicts = {title: gate(evidence) for title, gate in asked.gates.items()}
    table = Table("gate", "verdict", box=None, pad_edge=False)
    table.add_column(overflow="fold")
    for title, verdict in verdicts.items():
        style = STYLES[verdict.state]
        table.add_row(title, f"[{style}]{verdict.state}[/{style}]", verdict.why)
    console = Console(highlight=False)
    console.print(table)
    state = overall(verdicts.values())
    console.print(f"Milestone {number}, {asked.title}: {state}")
    raise typer.Exit(0 if state is State.PASSED else 1)


def overall(verdicts: Iterable[Verdict]) -> State:
    """The worst of all."""
    states = {verdict.state for verdict in verdicts}
    return next(state for state in STYLES if state in states)
