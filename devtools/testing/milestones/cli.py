"""The command ./dev milestone."""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from devtools.checks.tree import Tree
from devtools.testing.embedded import embedded_engine
from devtools.testing.milestones.gates import MILESTONES, Evidence, Milestone, State, Verdict
from devtools.testing.parts import chosen, parts
from devtools.testing.results import Results
from devtools.testing.run import PartRunner
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

STYLES = {State.PASSED: "green", State.FAILED: "red", State.NOT_YET: "yellow"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


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
    asked = MILESTONES[number]
    with tempfile.TemporaryDirectory(prefix="dev-milestone-") as folder:
        if results is None:
            _run_tests(asked, Path(folder))
        evidence = Evidence(Tree(ROOT), Results(results or Path(folder)))
        verdicts = {title: gate(evidence) for title, gate in asked.gates.items()}
    console = Console(highlight=False)
    console.print(_table(verdicts))
    state = overall(verdicts.values())
    console.print(f"Milestone {number}, {asked.title}: {state}")
    raise typer.Exit(0 if state is State.PASSED else 1)


def overall(verdicts: Iterable[Verdict]) -> State:
    """The worst of all."""
    states = {verdict.state for verdict in verdicts}
    worst = (State.FAILED, State.NOT_YET, State.PASSED)
    return next(state for state in worst if state in states)


def _run_tests(asked: Milestone, folder: Path) -> None:
    services = {member.name for member in Tree(ROOT).services}
    wanted = [
        name
        for name in parts()
        if name in asked.parts or ("services" in asked.parts and name in services)
    ]
    runner = PartRunner(embedded_engine, lambda outcome: typer.echo(outcome.line), results=folder)
    asyncio.run(runner.run(chosen(wanted)))


def _table(verdicts: dict[str, Verdict]) -> Table:
    table = Table("gate", "verdict", box=None, pad_edge=False)
    table.add_column(overflow="fold")
    for title, verdict in verdicts.items():
        style = STYLES[verdict.state]
        table.add_row(title, f"[{style}]{verdict.state}[/{style}]", verdict.why)
    return table
