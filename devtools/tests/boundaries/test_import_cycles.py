"""No module imports itself through others.

import-linter holds packages to this in the environment of each part; it refuses a module that is
no package, such as a service's `main.py`, so that those are checked here.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from devtools.checks.tree import Member, Tree
from devtools.tests.boundaries.conftest import Break
from devtools.workspace.repository import ROOT


def cycle_in(member: Member) -> list[str]:
    """The modules of one cycle, each imported by the next; empty where there is none."""
    modules = {}
    for path in member.shipped:
        parts = path.relative_to(member.root).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        modules[name] = set(imported(member.parsed(path)))
    graph = {
        name: {inner for it in names if (inner := known(it, modules)) != name} - {""}
        for name, names in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def known(name: str, modules: dict[str, set[str]]) -> str:
    package = name.rpartition(".")[0]
    return name if name in modules else package if package in modules else ""


def imported(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(package), names=names, level=0):
                yield from (f"{package}.{name.name}" for name in names)
        yield from imported(child)


@pytest.mark.parametrize("member", Tree(ROOT).members, ids=lambda it: it.name)
def test_no_module_imports_itself(member: Member) -> None:
    assert cycle_in(member) == []


def test_a_cycle_of_root_modules_is_found(tree: Tree, add: Break) -> None:
    add("back-redis/settings.py", "import main")
    member = next(it for it in tree.members if it.name == "back-redis")

    assert {"main", "settings"} <= set(cycle_in(member))
