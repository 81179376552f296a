"""What a page says holds: its commands, addresses and paths; rumdl looks at its links."""

from collections.abc import Iterator

from typer.core import TyperGroup

from devtools.checks.pages.addresses import addresses
from devtools.checks.pages.commands import commands
from devtools.checks.pages.targets import paths
from devtools.checks.tree import Finding, Tree


def docs(tree: Tree, dev: TyperGroup) -> Iterator[Finding]:
    """Every rule for README.md, the CONTEXT.md files and docs/."""
    for rule in (paths, addresses):
        yield from rule(tree)
    yield from commands(tree, dev)
