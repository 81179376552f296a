"""SQL and CQL stand in repositories/ and migrations/ of the data services, nowhere else.

Asking an engine about itself (`FROM system.local`) is no access to data.
"""

import ast
import re
from collections.abc import Iterator

from devtools.checks.tree import Finding, Source, Tree

STATEMENT = re.compile(
    r"\s*(?:SELECT\s.+\sFROM\s+(?!system\.)\S|INSERT\s+INTO\s|UPDATE\s+\S+\s+(?:USING\s.+)?SET\s"
    r"|DELETE\s(?:.+\s)?FROM\s|(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|KEYSPACE|TYPE|SCHEMA|VIEW)\s"
    r"|WITH\s+\S+\s+AS\s*\(|TRUNCATE\s+\S)",
    re.DOTALL,
)
LOWER_CASE = re.compile(
    r"\s*(?:select\s.+\sfrom\s+\w+(?:\s+(?:where|order|limit|join|group)\s.*)?\s*;?\s*$"
    r"|insert\s+into\s+\w+\s*[(v]|update\s+\w+\s+set\s+\w+\s*=|delete\s+from\s+\w+(?:\s+where\s|$))",
    re.DOTALL | re.IGNORECASE,
)
OWNERS = {"back-postgres", "back-cassandra"}
PLACES = {"repositories", "migrations", "migrate.py"}


def statements_in_repositories(tree: Tree) -> Iterator[Finding]:
    """A statement elsewhere is found by its first words in a string."""
    for member in (*tree.services, tree.shared):
        for source in member.shipped:
            parts = set(source.path.relative_to(member.folder).parts)
            if member.name in OWNERS and PLACES & parts:
                continue
            for line, text in _strings(source):
                if STATEMENT.match(text) or LOWER_CASE.match(text):
                    yield Finding(source.path, line, _belongs(member.name))


def _belongs(member: str) -> str:
    if member in OWNERS:
        return "a statement outside repositories/. Make it a method of a repository."
    return (
        f"a statement in {member}, which has no database. Make it a method of a repository in the "
        "data service that owns the table, and ask that service for it."
    )


def _strings(source: Source) -> Iterator[tuple[int, str]]:
    """Every text with its line, values of f-strings as a word; docstrings are left out."""
    left_out: set[int] = set()
    for node in ast.walk(source.tree):
        match node:
            case ast.Expr(value=ast.Constant() as docstring):
                left_out.add(id(docstring))
            case ast.JoinedStr(values=parts):
                left_out.update(map(id, parts))
                yield node.lineno, "".join(_text(part) for part in parts)
            case ast.Constant(value=str(text)) if id(node) not in left_out:
                yield node.lineno, text


def _text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "value"
