"""The command ./dev drill: tests of tests/drills by name, and a table of what they counted."""

import asyncio
import json
import os
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from devtools.testing.cli import until_terminated
from devtools.testing.engines import embedded_engine
from devtools.testing.parts import chosen
from devtools.testing.reports import Outcome, counts
from devtools.testing.run import PartRunner
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

FOLDER = ROOT / "tests" / "drills"
LONG = {"storm": ("DRILL_SECONDS", "120"), "exactly-once": ("DRILL_WRITES", "2000")}
"""How much a drill does when it is asked for by its name, unless the environment says so."""
COLUMNS = ("effect", "promised", "stored", "delivered", "twice", "lost")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def drills() -> dict[str, Path]:
    """The file of each drill by its name."""
    found = sorted(FOLDER.glob("test_*.py"))
    return {path.stem.removeprefix("test_").replace("_", "-"): path for path in found}


def verdicts(report: Path) -> Iterator[dict[str, object]]:
    """What the drills of one JUnit report counted, in the order of the tests."""
    for it in ET.parse(report).getroot().iter("property"):  # noqa: S314 - our own pytest's
        if it.get("name") == "verdict":
            yield json.loads(it.get("value", ""))


@app.command()
def drill(
    name: Annotated[str, typer.Argument(help="One drill; all the short ones: all.")] = "all",
    *,
    list_: Annotated[bool, typer.Option("--list", help="Only name the drills.")] = False,
    results: Annotated[
        Path | None, typer.Option(help="Keep the report in this folder, for ./dev milestone.")
    ] = None,
) -> None:
    """Break a stack of its own under load, and count what was promised and what came of it."""
    known = drills()
    if list_:
        typer.echo("\n".join(known))
        return
    if name not in {"all", *known}:
        raise DevError(f"there is no drill {name!r}; there are: all, {', '.join(known)}")
    [part] = chosen(["drills"])
    if name != "all":
        part = replace(part, tests=str(known[name].relative_to(ROOT)))
        os.environ.setdefault(*LONG.get(name, ("DRILL", name)))
    with tempfile.TemporaryDirectory(prefix="dev-drill-") as folder:
        kept = results or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        runner = PartRunner(embedded_engine, _say, results=kept)
        [outcome] = asyncio.run(until_terminated(runner.run([part])))
        report = kept / f"{part.name}.xml"
        rows = list(verdicts(report)) if report.exists() else []
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row[it] is None else str(row[it]) for it in COLUMNS))
    if rows:
        Console(highlight=False).print(table)
    typer.echo(counts([outcome]))
    raise typer.Exit(1 if outcome.failed else 0)


def _say(outcome: Outcome) -> None:
    typer.echo(outcome.log)
