"""All checks by name, chosen and run side by side."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devtools.checks import (
    calls,
    committed,
    declared,
    guards,
    homes,
    house,
    imports,
    networks,
    statements,
    tools,
)
from devtools.checks.docs.rule import docs
from devtools.checks.tree import Finding, Member, Tree
from devtools.workspace.errors import DevError
from devtools.workspace.threads import in_thread

SIDE_BY_SIDE = max(2, os.cpu_count() or 2)

Rule = Callable[[Tree], Iterator[Finding]]

BOUNDARIES: dict[str, Rule] = {
    "own-and-shared": imports.own_and_shared,
    "pure-domain": imports.pure_domain,
    **homes.RULES,
    "statements": statements.statements_in_repositories,
    "calls": calls.calls_in_contracts,
    "guards": guards.internal_endpoints_guarded,
    "imports-declared": declared.imports_declared,
    "declarations-used": declared.declarations_used,
    "environments-apart": declared.environments_apart,
    "engines-apart": networks.engines_apart,
    "no-test-imports": imports.no_test_imports,
    "settings-at-import": house.settings_at_import,
    "connections-at-import": house.connections_at_import,
    "sleeps-in-tests": house.sleeps_in_tests,
    "small-files": house.small_files,
    "machine-paths": committed.machine_paths,
    "secrets": committed.secrets,
}
RULES: dict[str, Rule] = {**BOUNDARIES, "docs": docs}


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


def checks(tree: Tree) -> list[Check]:
    """Every check of the whole repository, the slow ones first."""
    return [
        *(_types(tree, member) for member in tree.members),
        Check("types", "tests", lambda: tools.types_of_tests(tree)),
        Check("gateway", "back-gateway", lambda: tools.gateway(tree)),
        Check("contract-tables", "shared", lambda: tools.contract_tables(tree)),
        Check("lint", "all", lambda: tools.lint(tree, tree.root)),
        Check("format", "all", lambda: tools.layout(tree, tree.root)),
        Check("migrations", "back-postgres", lambda: tools.migrations(tree)),
        *(_rule(name, rule, tree, None) for name, rule in RULES.items()),
    ]


def chosen(tree: Tree, word: str | None) -> list[Check]:
    """All checks, those of one member or one name, or `boundaries`; DevError for another word."""
    every = checks(tree)
    if word is None:
        return every
    if word == "boundaries":
        return [check for check in every if check.name in BOUNDARIES]
    members = {member.name: member for member in tree.members}
    if word in members:
        member = members[word]
        return [
            *(check for check in every if check.part == word),
            Check("lint", word, lambda: tools.lint(tree, member.folder)),
            Check("format", word, lambda: tools.layout(tree, member.folder)),
            *(_rule(name, rule, tree, member.folder) for name, rule in RULES.items()),
        ]
    named = [check for check in every if check.name == word]
    if not named:
        names = ", ".join(["boundaries", *members, *dict.fromkeys(check.name for check in every)])
        raise DevError(f"there is nothing called {word!r} to check; there are: {names}")
    return named


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
    return Check("types", member.name, lambda: tools.types(tree, member))


def _rule(name: str, rule: Rule, tree: Tree, folder: Path | None) -> Check:
    def complaint() -> str:
        found = [it for it in rule(tree) if folder is None or it.path.is_relative_to(folder)]
        return "".join(f"{tree.relative(it.path)}:{it.line}: {it.what}\n" for it in found)

    async def run_() -> str:
        return await in_thread(complaint)

    return Check(name, folder.name if folder else "all", run_)
