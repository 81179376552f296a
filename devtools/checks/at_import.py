"""What may not happen when a file of a service or of `shared` is imported.

Ruff bans a name wherever it is used; a call in app() is right, and the same call at import is not.
"""

import ast
import re
from collections.abc import Iterator

from devtools.checks.tree import Finding, Tree

READS = re.compile(r"\w*(?:Settings|secret)")
OPENS = re.compile(
    r"Celery|ClientSession|Cluster|FastAPI|Redis|Service|ServiceClient|service_client"
    r"|create_async_engine|create_pool"
)


def settings_at_import(tree: Tree) -> Iterator[Finding]:
    """Settings and secrets are read when the app is made."""
    return _calls(tree, READS)


def connections_at_import(tree: Tree) -> Iterator[Finding]:
    """What connects, or is an app, is made in app() and opened in its lifespan."""
    return _calls(tree, OPENS)


def _calls(tree: Tree, names: re.Pattern[str]) -> Iterator[Finding]:
    for member in (*tree.services, tree.packages[0]):
        for path in member.shipped:
            for node in _run_at_import(member.parsed(path)):
                match node:
                    case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                        if names.fullmatch(name):
                            what = (
                                f"{name}() runs at import: every app and every test of the process "
                                "would share it. Make it in app() and pass it on; what connects is "
                                "given to service.resource(…)."
                            )
                            yield Finding(path, node.lineno, what)


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                continue
        yield child
        yield from _run_at_import(child)
