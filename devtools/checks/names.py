"""What a file imports and uses, by full dotted names."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_IMPORTING = {"importlib.import_module", "importlib.util.find_spec", "__import__"}


@dataclass(frozen=True)
class Import:
    """One imported module by its full dotted name; for `from a import b` it is `a.b`."""

    module: str
    line: int

    def is_of(self, *packages: str) -> bool:
        """Whether it is one of these packages or stands below one."""
        return any(f"{self.module}.".startswith(f"{package}.") for package in packages)


def imports(module: ast.Module) -> list[Import]:
    """Import statements, and modules that are named to `import_module` and the like."""
    found = []
    local = _local_names(module)
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                found += [Import(name.name, node.lineno) for name in names]
            case ast.ImportFrom(module=str(package), names=names, level=0):
                found += [Import(f"{package}.{name.name}", node.lineno) for name in names]
            case ast.Call(func=func, args=[ast.Constant(value=str(named)), *_]) if (
                dotted(func, local) in _IMPORTING
            ):
                found.append(Import(named, node.lineno))
    return found


def uses(module: ast.Module) -> list[Import]:
    """What is reached through an imported name: `jwt.encode` of `import jwt as j; j.encode()`."""
    local = _local_names(module)
    return [
        Import(name, node.lineno)
        for node in _longest_chains(module)
        if (name := dotted(node, local)) and _root(node) in local
    ]


def calls_at_import(module: ast.Module) -> Iterator[Import]:
    """Calls that run when the file is imported, by the full name of what is called."""
    local = _local_names(module)
    for node in _run_at_import(module):
        if isinstance(node, ast.Call) and (name := dotted(node.func, local)):
            yield Import(name, node.lineno)


def dotted(node: ast.expr, local: dict[str, str]) -> str | None:
    """`a.b.c` for a chain of attributes, its first name read as what was imported under it."""
    match node:
        case ast.Name(id=name):
            return local.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            before = dotted(value, local)
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


def _longest_chains(module: ast.Module) -> Iterator[ast.Attribute]:
    inner = {
        id(node.value)
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            yield node


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                continue
        yield child
        yield from _run_at_import(child)
