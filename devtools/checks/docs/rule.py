"""All rules for pages as one."""

from collections.abc import Iterator

from devtools.checks.docs.addresses import addresses
from devtools.checks.docs.commands import commands
from devtools.checks.docs.numbers import numbers
from devtools.checks.docs.paths import paths
from devtools.checks.documents import links
from devtools.checks.tree import Finding, Tree


def docs(tree: Tree) -> Iterator[Finding]:
    """Every rule for README.md, the CONTEXT.md files and docs/."""
    for rule in (links, paths, commands, addresses, numbers):
        yield from rule(tree)
