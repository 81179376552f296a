"""SQL and CQL stand in repositories/ and migrations/ of the data services, nowhere else.

Asking an engine about itself (`FROM system.local`) is no access to data.
"""

import ast
import re
from collections.abc import Iterator

from devtools.checks.tree import Finding, Source, Tree

STATEMENT = re.compile(
    r"\s*(?:SELECT\s.+\sFROM\s+(?!system\.)|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s"
    r"|(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|KEYSPACE|TYPE|SCHEMA)\s|WITH\s+\S+\s+AS\s*\()",
    re.DOTALL,
)
PLACES = {"repositories", "migrations", "migrate.py", "tests"}


def statements_in_repositories(tree: Tree) -> Iterator[Finding]:
    """A statement elsewhere is found by its first words in a string."""
    for member in tree.services:
        for source in member.sources:
            if PLACES & set(source.path.relative_to(member.folder).parts):
                continue
            for line in _statements(source):
                yield Finding(
                    source.path,
                    line,
                    "a statement outside repositories/. Make it a method of a repository, in the "
                    "data service that owns the table.",
                )


def _statements(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=str(text)) if STATEMENT.match(text):
                yield node.lineno
