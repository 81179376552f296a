"""What a Python file imports, and what it calls when it is imported, by full dotted names."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Import:
    """An import or a use; for `from a import b` the name is `a.b`."""

    name: str
    line: int


def imports(module: ast.Module) -> list[Import]:
    """Every import statement, also inside functions; those for the type checker are left out."""
    return list(_imports(module))


def _imports(node: ast.AST) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import(names=names):
                yield from (Import(name.name, child.lineno) for name in names)
            case ast.ImportFrom(module=str(package), names=names, level=0):
                yield from (Import(f"{package}.{name.name}", child.lineno) for name in names)
        yield from _imports(child)


def calls_at_import(module: ast.Module) -> Iterator[Import]:
    """Calls that run when the file is imported, by the full name of what is called."""
    local = _local_names(module)
    for node in _run_at_import(module):
        if isinstance(node, ast.Call) and (name := _dotted(node.func, local)):
            yield Import(name, node.lineno)


def _dotted(node: ast.expr, local: dict[str, str]) -> str | None:
    """`a.b.c` for a chain of attributes, its first name read as what was imported under it."""
    match node:
        case ast.Name(id=name):
            return local.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            before = _dotted(value, local)
            return before and f"{before}.{attribute}"
    return None


def _local_names(module: ast.Module) -> dict[str, str]:
    """What each name that an import binds stands for."""
    found = {}
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                for name in names:
                    top = name.name.partition(".")[0]
                    found[name.asname or top] = name.name if name.asname else top
            case ast.ImportFrom(module=str(package), names=names, level=0):
                for name in names:
                    found[name.asname or name.name] = f"{package}.{name.name}"
    return found


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                continue
        yield child
        yield from _run_at_import(child)
