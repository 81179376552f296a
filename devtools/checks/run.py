"""The command ./dev check: all checks by name, chosen and run side by side."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from devtools.checks import tools
from devtools.checks.at_import import made_at_import
from devtools.checks.compose import engines_apart, unread_variables
from devtools.checks.environments import environments_apart
from devtools.checks.machine_paths import machine_paths, secret_files
from devtools.checks.pages import docs
from devtools.checks.tree import Finding, Tree
from devtools.workspace.errors import DevError
from devtools.workspace.processes import in_thread
from devtools.workspace.repository import ROOT, npm_folders, package_json

SIDE_BY_SIDE = max(2, os.cpu_count() or 2)

Rule = Callable[[Tree], Iterator[Finding]]

RULES: dict[str, Rule] = {
    "environments-apart": environments_apart,
    "engines-apart": engines_apart,
    "made-at-import": made_at_import,
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
    members = sorted(tree.members, key=lambda it: it.name != "shared")
    types = [Check("types", it.name, partial(tools.types, tree, it)) for it in members]
    return [
        types[0],
        Check("secrets", "all", partial(tools.secrets, tree)),
        Check("contracts", "shared", partial(tools.contracts, tree)),
        Check("links", "all", partial(tools.links, tree)),
        *(Check("layers", it.name, partial(tools.layers, it)) for it in members),
        *(Check("dependencies", it.name, partial(tools.dependencies, it)) for it in members),
        *types[1:],
        *_of_npm(tree),
        Check("types", "tests", partial(tools.types_of_tests, tree)),
        Check("variables", "all", partial(_variables, tree)),
        Check("gateway", "back-gateway", partial(tools.gateway, tree)),
        Check("migrations", "back-postgres", partial(tools.migrations, tree)),
        *_of_files(tree, tree.root, "all", dev),
    ]


def chosen(tree: Tree, word: str | None, dev: TyperGroup) -> list[Check]:
    """All checks, those of one member or one name, or `boundaries`; DevError for another word."""
    every = checks(tree, dev)
    if word is None:
        return every
    if word == "boundaries":
        named = ("layers", "lint", "dependencies", "variables", *RULES)
        return [check for check in every if check.name in named]
    folders = {member.name: member.folder for member in tree.members}
    npm = {folder.name: folder for folder in npm_folders(tree.root)}
    if word in folders or word in npm:
        own = [check for check in every if check.part == word]
        return own + _of_files(tree, (folders | npm)[word], word, dev)
    if named_so := [check for check in every if check.name == word]:
        return named_so
    names = ", ".join(["boundaries", *folders, *npm, *dict.fromkeys(check.name for check in every)])
    raise DevError(f"there is nothing called {word!r} to check; there are: {names}")


def _of_npm(tree: Tree) -> Iterator[Check]:
    """Types by tsc and lint by ESLint, as the scripts of each workspace say."""
    for folder in npm_folders(tree.root):
        scripts = package_json(folder).get("scripts", {})
        for name, said in (("types", "typecheck"), ("eslint", "lint")):
            if said in scripts and (said != "lint" or any(folder.glob("eslint.config.*"))):
                yield Check(name, folder.name, partial(tools.script, folder, said))


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


async def _variables(tree: Tree) -> str:
    return _listed(tree, unread_variables(tree, await tools.settings_fields(tree)))


def _of_files(tree: Tree, folder: Path, part: str, dev: TyperGroup) -> list[Check]:
    """The checks of what files hold, for those below `folder`."""

    def check(rule: Rule) -> str:
        return _listed(tree, (it for it in rule(tree) if it.path.is_relative_to(folder)))

    rules: dict[str, Rule] = {**RULES, "docs": partial(docs, dev=dev)}
    return [
        Check("lint", part, partial(tools.lint, tree, folder)),
        Check("format", part, partial(tools.layout, tree, folder)),
        *(Check(it, part, partial(in_thread, partial(check, rules[it]))) for it in rules),
    ]


def _listed(tree: Tree, found: Iterator[Finding]) -> str:
    return "".join(f"{tree.relative(it.path)}:{it.line}: {it.what}\n" for it in found)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

LONG = 400


@app.command()
def check(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(help="A service, shared, devtools, boundaries, or the name of a check."),
    ] = None,
) -> None:
    """Lint, types, boundaries and everything derived. All when nothing is named."""
    started = time.monotonic()
    tree = Tree(ROOT)
    console = Console(highlight=False)
    table = Table("check", "part", "result", "seconds", box=None, pad_edge=False)
    results = asyncio.run(run(chosen(tree, what, cast("TyperGroup", context.find_root().command))))
    for it in results:
        if it.complaint:
            console.print(f"\n{it.check.name} ({it.check.part})", style="bold red")
            console.print(it.complaint.rstrip(), markup=False, soft_wrap=True)
        verdict = "[red]failed[/red]" if it.complaint else "[green]passed[/green]"
        table.add_row(it.check.name, it.check.part, verdict, f"{it.seconds:.1f}")
    console.print(table)
    if what is None and (found := long_files(tree)):
        console.print(f"For information, files of more than {LONG} lines: {', '.join(found)}")
    broken = sum(bool(it.complaint) for it in results)
    seconds = time.monotonic() - started
    console.print(f"{len(results) - broken} checks passed, {broken} failed in {seconds:.0f} s")
    raise typer.Exit(1 if broken else 0)


def long_files(tree: Tree) -> list[str]:
    """Each with its number of lines; tests are left out."""
    sizes = [(it, it.read_text().count("\n")) for member in tree.members for it in member.shipped]
    return [f"{tree.relative(path)} ({lines})" for path, lines in sizes if lines > LONG]
