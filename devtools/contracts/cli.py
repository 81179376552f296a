# ruff: noqa: PLC0415 - a command imports what it needs when it runs, so that help is quick
"""The command ./dev contracts."""

import asyncio
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from devtools.workspace.repository import ROOT
from shared.testing.contracts.files import Finding

if TYPE_CHECKING:
    from devtools.contracts.check import Tree

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Write, check and compare what services agree on.",
)


@app.command()
def sync() -> None:
    """Write everything that follows from the contracts."""
    from devtools.contracts import generated_files, node_tools, public_api

    tree = _valid_tree()
    types = asyncio.run(node_tools.types_of(public_api.document_for_types(tree.contracts)))
    changes = generated_files.sync(ROOT, {**tree.texts, node_tools.TYPES: types})
    for path in changes.written:
        typer.echo(f"wrote {path}")
    for path in changes.removed:
        typer.echo(f"removed {path}")
    if not (changes.written or changes.removed):
        typer.echo("Everything is up to date.")


@app.command()
def check(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only what needs no service's environment and no Node.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            help="The git revision that consumers rely on; else the last tag v*, else the first "
            "commit with generated documents. 'none' compares with nothing.",
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Look at a running stack instead: its gateway's address.")
    ] = None,
) -> None:
    """Fail where a contract, its documents, the code or a version disagree."""
    from devtools.contracts import check as checks
    from devtools.contracts import revisions, running_stack

    tree = checks.Tree(ROOT)
    revision = against or revisions.last_release(ROOT)
    outcome = checks.static(tree, None if revision == "none" else revision)
    if not outcome.wrong and url:
        outcome.wrong += running_stack.broken(tree, url)
    elif not outcome.wrong and not quick:
        outcome.wrong += asyncio.run(checks.of_programs(tree))
    for finding in outcome.asked:
        typer.echo(f"{finding} (asked for, not an error)")
    if outcome.wrong:
        _refuse(outcome.wrong)
    typer.echo(f"The contracts hold, and break nothing of {revision or 'before'}.")


@app.command()
def diff(feature: str) -> None:
    """Show a contract beside each service's slice and the document that its app really gives."""
    from devtools.contracts import check as checks

    for line in asyncio.run(checks.compared(_valid_tree(), feature)):
        typer.echo(line)


@app.command()
def graph(
    *,
    format_: Annotated[
        Literal["text", "mermaid"], typer.Option("--format", help="How to draw it.")
    ] = "text",
) -> None:
    """Show who calls whom, who tells whom what, and in which order a release goes."""
    from devtools.contracts import graph as graph_

    draw = graph_.text if format_ == "text" else graph_.mermaid
    typer.echo(draw(_valid_tree().contracts), nl=False)


def _valid_tree() -> "Tree":
    from devtools.contracts import check as checks

    tree = checks.Tree(ROOT)
    if found := checks.contracts(tree):
        _refuse(found)
    return tree


def _refuse(findings: Iterable[Finding]) -> NoReturn:
    for finding in findings:
        typer.echo(str(finding))
    sys.exit(1)
