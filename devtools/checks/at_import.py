"""What may not happen when a file of a service or of `shared` is imported.

Ruff bans a name wherever it is used; a call in app() is right, and the same call at import is not.
"""

import ast
import re
from collections.abc import Iterator

from devtools.checks.tree import Finding, Tree

READS = r"\w*(?:Settings|secret)"
OPENS = (
    r"Celery|ClientSession|Cluster|FastAPI|Redis|Service|ServiceClient|service_client"
    r"|create_async_engine|create_pool"
)
MADE = re.compile(f"{READS}|{OPENS}")


def made_at_import(tree: Tree) -> Iterator[Finding]:
    """Settings and secrets are read, and what connects or is an app is made, in app()."""
    for member in (*tree.services, tree.packages[0]):
        for path in member.shipped:
            for node in _run_at_import(member.parsed(path)):
                match node:
                    case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                        if MADE.fullmatch(name):
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
