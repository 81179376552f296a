"""All checks by name, chosen and run side by side."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from typer.core import TyperGroup

from devtools.checks import at_import, tools
from devtools.checks.compose import engines_apart
from devtools.checks.environments import environments_apart
from devtools.checks.internal_endpoints import internal_endpoints
from devtools.checks.machine_paths import machine_paths, secret_files
from devtools.checks.pages.rule import docs
from devtools.checks.tree import Finding, Member, Tree
from devtools.checks.variables import unread_variables
from devtools.workspace.errors import DevError
from devtools.workspace.threads import in_thread

SIDE_BY_SIDE = max(2, os.cpu_count() or 2)

Rule = Callable[[Tree], Iterator[Finding]]

RULES: dict[str, Rule] = {
    "environments-apart": environments_apart,
    "engines-apart": engines_apart,
    "internal-endpoints": internal_endpoints,
    "settings-at-import": at_import.settings_at_import,
    "connections-at-import": at_import.connections_at_import,
    "machine-paths": machine_paths,
    "secret-files": secret_files,
}
"""What no tool knows: each reads the tree and starts no program."""


@dataclass(frozen=True)
class Check:
    """One line of the result. `run` gives what is wrong, empty when nothing is."""

    name: str
    part: str
    run: Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Result:
    check: Check
    complaint: str
    seconds: float


def checks(tree: Tree, dev: TyperGroup) -> list[Check]:
    """Every check of the whole repository; `dev` is the whole of ./dev.

    Types of `shared` come first: the caches of the other parts begin with what mypy learns there.
    """
    shared, *others = [tree.packages[0], *tree.services, tree.packages[1]]
    return [
        _types(tree, shared),
        Check("secrets", "all", partial(tools.secrets, tree)),
        Check("contracts", "shared", partial(tools.contracts, tree)),
        *(check for member in tree.members for check in _imports(member)),
        *(_types(tree, member) for member in others),
        Check("types", "tests", partial(tools.types_of_tests, tree)),
        Check("variables", "all", partial(_variables, tree)),
        Check("gateway", "back-gateway", partial(tools.gateway, tree)),
        Check("lint", "all", partial(tools.lint, tree, tree.root)),
        Check("format", "all", partial(tools.layout, tree, tree.root)),
        Check("migrations", "back-postgres", partial(tools.migrations, tree)),
        *_rules(tree, dev, None),
    ]


def chosen(tree: Tree, word: str | None, dev: TyperGroup) -> list[Check]:
    """All checks, those of one member or one name, or `boundaries`; DevError for another word."""
    every = checks(tree, dev)
    if word is None:
        return every
    if word == "boundaries":
        named = ("layers", "lint", "dependencies", "variables", *RULES)
        return [check for check in every if check.name in named]
    members = {member.name: member for member in tree.members}
    if word in members:
        member = members[word]
        return [
            *(check for check in every if check.part == word),
            Check("lint", word, partial(tools.lint, tree, member.folder)),
            Check("format", word, partial(tools.layout, tree, member.folder)),
            *_rules(tree, dev, member.folder),
        ]
    named_so = [check for check in every if check.name == word]
    if not named_so:
        names = ", ".join(["boundaries", *members, *dict.fromkeys(check.name for check in every)])
        raise DevError(f"there is nothing called {word!r} to check; there are: {names}")
    return named_so


async def run(wanted: list[Check]) -> list[Result]:
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(check: Check) -> Result:
        async with places:
            started = time.monotonic()
            try:
                complaint = await check.run()
            except (DevError, OSError) as error:
                complaint = str(error)
            return Result(check, complaint, time.monotonic() - started)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(check)) for check in wanted]
    return [task.result() for task in tasks]


def _types(tree: Tree, member: Member) -> Check:
    return Check("types", member.name, partial(tools.types, tree, member))


def _imports(member: Member) -> Iterator[Check]:
    yield Check("layers", member.name, partial(tools.layers, member))
    yield Check("dependencies", member.name, partial(tools.dependencies, member))


async def _variables(tree: Tree) -> str:
    return _told(tree, unread_variables(tree, await tools.settings_fields(tree)))


def _rules(tree: Tree, dev: TyperGroup, folder: Path | None) -> Iterator[Check]:
    def check(rule: Rule) -> str:
        found = rule(tree)
        return _told(tree, (it for it in found if not folder or it.path.is_relative_to(folder)))

    every: dict[str, Rule] = {**RULES, "docs": partial(docs, dev=dev)}
    for name, rule in every.items():
        part = folder.name if folder else "all"
        yield Check(name, part, partial(in_thread, partial(check, rule)))


def _told(tree: Tree, found: Iterator[Finding]) -> str:
    return "".join(f"{tree.relative(it.path)}:{it.line}: {it.what}\n" for it in found)
