"""The command ./dev check."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from devtools.checks.run import Result, chosen, run
from devtools.checks.tree import Tree
from devtools.workspace.repository import ROOT

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def check(
    what: Annotated[
        str | None,
        typer.Argument(help="A service, shared, devtools, boundaries, or the name of a check."),
    ] = None,
) -> None:
    """Lint, types, boundaries and everything derived. All when nothing is named."""
    started = time.monotonic()
    results = asyncio.run(run(chosen(Tree(ROOT), what)))
    console = Console(highlight=False)
    for result in results:
        if result.complaint:
            console.print(f"\n{result.check.name} ({result.check.part})", style="bold red")
            console.print(result.complaint.rstrip(), markup=False, soft_wrap=True)
    console.print(_table(results))
    broken = sum(bool(result.complaint) for result in results)
    seconds = time.monotonic() - started
    console.print(f"{len(results) - broken} checks passed, {broken} failed in {seconds:.0f} s")
    raise typer.Exit(1 if broken else 0)


def _table(results: list[Result]) -> Table:
    table = Table("check", "part", "result", "seconds", box=None, pad_edge=False)
    for result in results:
        verdict = "[red]failed[/red]" if result.complaint else "[green]passed[/green]"
        table.add_row(result.check.name, result.check.part, verdict, f"{result.seconds:.1f}")
    return table
