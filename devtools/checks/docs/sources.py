"""The values that the numbers of a page come from: settings, constants, contracts, YAML files."""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

COMPUTED = object()
"""A value that only a running program knows."""

_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class Unknown(Exception):
    """There is no such source."""


def values(root: Path, folder: Path, source: str) -> list[object]:
    """What `source`, named by a page in `folder`, gives; several where it stands several times.

    `pool_size` or `POOL_SIZE` is a setting, `audit.page_max` a number of a contract,
    `page.py:LIMIT` a name in a Python file, `kong.yml:back-api.read_timeout` a value in a YAML
    file, `nginx.conf.in:worker_processes` a line in any other. Unknown where nothing has that name.
    """
    file, colon, name = source.partition(":")
    if colon:
        path = next((it / file for it in (folder, root) if (it / file).is_file()), None)
        if path is None:
            raise Unknown(f"there is no {file}")
        return _in_file(root, path, name)
    feature, dot, number = source.partition(".")
    contract = root / "shared" / "contracts" / feature / "feature.yaml"
    if dot and contract.is_file():
        numbers = yaml.safe_load(contract.read_text()).get("numbers", {})
        if number not in numbers:
            raise Unknown(f"the contract {feature} has no number {number}")
        return [numbers[number]]
    for path in (folder / "settings.py", root / "shared" / "kit" / "runtime" / "settings.py"):
        if path.is_file() and (found := _setting(root, path, source.lower())):
            return found
    raise Unknown(f"no setting is called {source.lower()}")


def _in_file(root: Path, path: Path, name: str) -> list[object]:
    if path.suffix == ".py":
        found = _constants(root, path, name)
    elif path.suffix in {".yml", ".yaml"}:
        found = list(_in_yaml(yaml.safe_load(path.read_text()), name.split(".")))
    else:
        line = rf"^\s*(?:const )?{re.escape(name)}\s+(?:= )?(\S+?);?$"
        found = list(re.findall(line, path.read_text(), re.MULTILINE))
    if not found:
        raise Unknown(f"{path.name} has no {name}")
    return found


def _in_yaml(node: object, names: list[str]) -> Iterator[object]:
    """Every value that is reached by these names, in this order, at any depth."""
    if not names:
        yield node
        return
    if isinstance(node, list):
        for entry in node:
            named = isinstance(entry, dict) and entry.get("name") == names[0]
            yield from _in_yaml(entry, names[1:] if named else names)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _in_yaml(value, names[1:] if key == names[0] else names)


def _setting(root: Path, path: Path, name: str) -> list[object]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Settings"):
            return _constants(root, path, name, node)
    return []


def _constants(root: Path, path: Path, name: str, within: ast.AST | None = None) -> list[object]:
    """The values of every assignment, field and dictionary entry of that name."""
    found: list[object] = []
    for node in ast.walk(within or ast.parse(path.read_text())):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found.append(_value(root, path, value))
            case ast.AnnAssign(target=ast.Name(id=target), value=optional) if target == name:
                found.append(_value(root, path, optional) if optional else "required")
            case ast.Dict(keys=keys, values=entries):
                found += [
                    _value(root, path, entry)
                    for key, entry in zip(keys, entries, strict=True)
                    if isinstance(key, ast.Constant) and key.value == name
                ]
    return found


def _value(root: Path, path: Path, node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _value(root, path, left), _value(root, path, right)
            if isinstance(one, int | float) and isinstance(other, int | float):
                return _OPERATIONS[type(op)](one, other)
        case ast.Name(id=name):
            return _named(root, path, name)
        case ast.Call(args=[first, *_], keywords=[*_]):
            return _value(root, path, first)
        case ast.Call(keywords=keywords):
            for keyword in keywords:
                if keyword.arg == "default":
                    return _value(root, path, keyword.value)
    return COMPUTED


def _named(root: Path, path: Path, name: str) -> object:
    """The constant `name` of this file, or of the file that it is imported from."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and name in {it.asname or it.name for it in node.names}:
            module = f"{(node.module or '').replace('.', '/')}.py"
            there = next(
                (it / module for it in (path.parent, root) if (it / module).is_file()), None
            )
            return _named(root, there, name) if there else COMPUTED
    found = _constants(root, path, name)
    return found[0] if found else COMPUTED
