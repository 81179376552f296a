"""The command ./dev check."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from devtools.checks.run import chosen, run
from devtools.checks.tree import Tree
from devtools.workspace.repository import ROOT

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

LONG = 400


@app.command()
def check(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(help="A service, shared, devtools, boundaries, or the name of a check."),
    ] = None,
) -> None:
    """Lint, types, boundaries and everything derived. All when nothing is named.

    The context's object is the whole of ./dev, against which commands in pages are parsed.
    """
    started = time.monotonic()
    tree = Tree(ROOT)
    console = Console(highlight=False)
    table = Table("check", "part", "result", "seconds", box=None, pad_edge=False)
    results = asyncio.run(run(chosen(tree, what, context.obj)))
    for it in results:
        if it.complaint:
            console.print(f"\n{it.check.name} ({it.check.part})", style="bold red")
            console.print(it.complaint.rstrip(), markup=False, soft_wrap=True)
        verdict = "[red]failed[/red]" if it.complaint else "[green]passed[/green]"
        table.add_row(it.check.name, it.check.part, verdict, f"{it.seconds:.1f}")
    console.print(table)
    if what is None and (found := long_files(tree)):
        console.print(f"For information, files of more than {LONG} lines: {', '.join(found)}")
    broken = sum(bool(it.complaint) for it in results)
    seconds = time.monotonic() - started
    console.print(f"{len(results) - broken} checks passed, {broken} failed in {seconds:.0f} s")
    raise typer.Exit(1 if broken else 0)


def long_files(tree: Tree) -> list[str]:
    """Each with its number of lines; tests are left out."""
    sizes = [(it, it.read_text().count("\n")) for member in tree.members for it in member.shipped]
    return [f"{tree.relative(path)} ({lines})" for path, lines in sizes if lines > LONG]
