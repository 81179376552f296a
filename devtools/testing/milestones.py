"""`./dev milestone`: the gates of integration, judged by what `./dev test --results` kept."""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from pydantic import BaseModel, ConfigDict, TypeAdapter
from rich.console import Console
from rich.table import Table

from devtools.checks.tree import Tree
from devtools.testing.engines import embedded_engine
from devtools.testing.parts import chosen, parts
from devtools.testing.reports import cases
from devtools.testing.run import PartRunner
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT
from shared.testing.yaml_source import load

GATES = Path(__file__).with_name("milestones.yaml")
CRASHES = {"request_crashed", "background_crashed"}
ERROR_LEVELS = {"error", "critical"}
SHOWN = 5

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class State(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_YET = "not yet"


STYLES = {State.FAILED: "red", State.NOT_YET: "yellow", State.PASSED: "green"}  # worst first


class Verdict(NamedTuple):
    state: State
    why: str


def judged(wrong: Iterable[str], proof: str, otherwise: str) -> Verdict:
    """Failed with the first few of what is wrong; passed with a proof; else not yet."""
    every = list(wrong)
    if every:
        more = [f"and {len(every) - SHOWN} more"] if len(every) > SHOWN else []
        return Verdict(State.FAILED, "; ".join([*every[:SHOWN], *more]))
    return Verdict(State.PASSED, proof) if proof else Verdict(State.NOT_YET, otherwise)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfTests(_Entry):
    """OfTests of each part in `of`, or of all parts, that have `named` in their names."""

    of: list[str] = []
    named: str = ""

    def judge(self, root: Path, results: Path) -> Verdict:
        wanted = named_parts(root, self.of) or [path.stem for path in results.glob("*.xml")]
        wrong, ran, without = [], 0, []
        for part in wanted:
            report = results / f"{part}.xml"
            found = [it for it in cases(report) if self.named in it.name]
            wrong += [f"{part}: {it.name}" for it in found if it.outcome == "failed"]
            ran += sum(it.outcome == "passed" for it in found)
            without += [] if found or not self.of else [part]
        what = f"no test {self.named} ran".replace("  ", " ")
        missing = f"{what} of {', '.join(without)}" if without else what
        return judged(wrong, f"{ran} tests" if ran and not without else "", missing)


class Gate(_Entry):
    """One way to judge, as `milestones.yaml` says."""

    tests: OfTests | None = None
    command: str = ""
    logs: str = ""
    files: str = ""

    def judge(self, root: Path, results: Path) -> Verdict:
        """The verdict on the repository at `root` and the folder of `./dev test --results`."""
        if self.tests:
            return self.tests.judge(root, results)
        if self.command:
            argv = [sys.executable, "-m", "devtools", *self.command.split()]
            done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
            said = f"{done.stdout}{done.stderr}".strip() or f"exit code {done.returncode}"
            return judged([said] if done.returncode else [], f"./dev {self.command}", "")
        if self.logs:
            found = sorted(results.glob(self.logs))
            missing = "no stack of the tests' own ran, so there are no logs"
            wrong = (it for path in found for it in unhandled_errors(path))
            return judged(wrong, "no line of level error" if found else "", missing)
        there = [*root.glob(self.files)]
        return judged([], f"{len(there)} files" if there else "", f"there is no {self.files}")


class Milestone(_Entry):
    title: str
    parts: list[str]
    gates: dict[str, Gate]


def milestones() -> dict[int, Milestone]:
    """Each by its number."""
    return TypeAdapter(dict[int, Milestone]).validate_python(load(GATES.read_text()))


def named_parts(root: Path, names: Iterable[str]) -> list[str]:
    """The parts, with those of all services for `services`."""
    services = [it.name for it in Tree(root).services]
    return [part for name in names for part in (services if name == "services" else [name])]


def unhandled_errors(log: Path) -> Iterable[str]:
    """The events of a log file that are crashes, or of the level error or above."""
    for line in log.read_text(errors="replace").splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("event") in CRASHES or str(entry.get("level")).lower() in ERROR_LEVELS:
            yield f"{log.name.partition('.')[0]}: {entry.get('event')}"


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
    known = milestones()
    if number not in known:
        raise DevError(f"there is no milestone {number}; there are: {', '.join(map(str, known))}")
    if results and not any(results.glob("*.xml")):
        raise DevError(f"{results} holds no reports: ./dev test --results {results} writes them")
    asked = known[number]
    with tempfile.TemporaryDirectory(prefix="dev-milestone-") as folder:
        if results is None:
            wanted = {*named_parts(ROOT, asked.parts)}
            runner = PartRunner(
                embedded_engine, lambda it: typer.echo(it.line), results=Path(folder)
            )
            asyncio.run(runner.run(chosen([name for name in parts() if name in wanted])))
        kept = results or Path(folder)
        verdicts = {title: gate.judge(ROOT, kept) for title, gate in asked.gates.items()}
    table = Table("gate", "verdict", box=None, pad_edge=False)
    table.add_column(overflow="fold")
    for title, (state, why) in verdicts.items():
        table.add_row(title, f"[{STYLES[state]}]{state}[/]", why)
    console = Console(highlight=False)
    console.print(table)
    whole = overall(state for state, _ in verdicts.values())
    console.print(f"Milestone {number}, {asked.title}: {whole}")
    raise typer.Exit(0 if whole is State.PASSED else 1)


def overall(states: Iterable[State]) -> State:
    """The worst of all."""
    found = {*states}
    return next(state for state in STYLES if state in found)
