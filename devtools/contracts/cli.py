# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that help is quick
"""The command ./dev contracts."""

import sys
from collections.abc import Iterable
from typing import NoReturn

import typer

from devtools.contracts.findings import Finding
from devtools.repository import ROOT

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="What services agree on: shared/contracts, and everything written from it.",
)


@app.command()
def sync() -> None:
    """Write everything that follows from the contracts."""
    from devtools.contracts import generated, reading, rules
    from devtools.contracts.check import Tree

    tree = Tree(ROOT)
    try:
        found = rules.broken(tree.contracts, tree.versions)
    except reading.Unreadable as unreadable:
        found = unreadable.findings
    if found:
        _refuse(found)
    changes = generated.sync(ROOT, tree.documents)
    for path in changes.written:
        typer.echo(f"wrote {path}")
    for path in changes.removed:
        typer.echo(f"removed {path}")
    if not (changes.written or changes.removed):
        typer.echo("Everything is up to date.")


@app.command()
def check() -> None:
    """Fail where a contract, its documents, the code or a version disagree."""
    from devtools.contracts import check as check_, reading

    tree = check_.Tree(ROOT)
    try:
        found = check_.static(tree)
    except reading.Unreadable as unreadable:
        found = unreadable.findings
    if found:
        _refuse(found)
    typer.echo("The contracts hold.")


def _refuse(findings: Iterable[Finding]) -> NoReturn:
    for finding in findings:
        typer.echo(str(finding))
    sys.exit(1)
