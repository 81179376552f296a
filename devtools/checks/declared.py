"""What a pyproject.toml declares, against what the code imports: both ways.

A service runs in an environment of exactly what uv.lock gives for its own declarations, so that an
import of anything else would fail there, and nowhere else.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from devtools.checks.homes import HOMES
from devtools.checks.imports import INSIDE_SERVICES
from devtools.checks.names import Import
from devtools.checks.tree import Finding, Member, Tree

# Imported by another name than the one that is declared.
DECLARED_AS = {
    "argon2": "argon2-cffi",
    "cassandra": "cassandra-driver",
    "glide": "valkey-glide",
    "jwt": "pyjwt",
    "pact": "pact-python",
    "psycopg2": "psycopg2-binary",
    "shared": "tools-dashboard",
    "yaml": "pyyaml",
}
# Parts of what a declared library offers: they come with it and with no other version.
COMES_WITH = {
    "docker": "testcontainers",
    "cryptography": "pyjwt",  # the extra `crypto`
    "kombu": "celery",
    "markupsafe": "jinja2",
    "pydantic_core": "pydantic",
    "redis": "celery",  # the extra `redis`
    "starlette": "fastapi",
    "websockets": "uvicorn",  # the extra `standard`
}
# Declared for a reason that is no import.
STARTED = {"uvicorn": "the program that runs the app"}
SHARED = "tools-dashboard"


def imports_declared(tree: Tree) -> Iterator[Finding]:
    """What is imported is declared by the member itself or provided by tools-dashboard.

    Tests may import what the dependency groups declare, too.
    """
    for member in tree.members:
        declared = _own(tree, member)
        if SHARED in declared:
            declared |= _own(tree, tree.shared)
        grouped = declared | _groups(tree, member)
        if SHARED in grouped:
            grouped |= _own(tree, tree.shared)
        local = member.own_modules | {"devtools"} | _modules_of_tests(member)
        for source in member.sources:
            if tree.relative(source.path) in INSIDE_SERVICES:
                continue
            # Each command of devtools runs in the environment of the group that it needs.
            in_groups = member.is_test(source) or member.name == "devtools"
            for it in _first_of_each(source.imports):
                top = it.module.partition(".")[0]
                if top in sys.stdlib_module_names or top in local:
                    continue
                itself = DECLARED_AS.get(top) or top.replace("_", "-")
                wanted = COMES_WITH.get(top, itself)
                if not {itself, wanted} & set(grouped if in_groups else declared):
                    yield Finding(
                        source.path,
                        it.line,
                        f"{member.name} imports {top}, which its pyproject.toml does not declare: "
                        f"production has no {wanted}. Declare it where {member.name} may have it, "
                        "or ask the service that owns it.",
                    )


def declarations_used(tree: Tree) -> Iterator[Finding]:
    """What is declared is imported; groups are left out, they hold programs and type stubs."""
    for member in tree.members:
        tops = {it.module.partition(".")[0] for source in member.sources for it in source.imports}
        used = {top.replace("_", "-").lower() for top in tops}
        used |= {DECLARED_AS[top] for top in tops & DECLARED_AS.keys()}
        used |= {COMES_WITH[top] for top in tops & COMES_WITH.keys()}
        for name in sorted(_own(tree, member) - used - STARTED.keys()):
            yield Finding(
                _pyproject(tree, member),
                _line_of(_pyproject(tree, member), name),
                f"{member.name} declares {name} and imports it nowhere. Remove it and run uv lock.",
            )


def environments_apart(tree: Tree) -> Iterator[Finding]:
    """No environment holds a library whose home is elsewhere, as its own or brought by another."""
    locked = _locked(tree.root)
    for service in tree.services:
        path = service.folder / "pyproject.toml"
        for requirement in _requirements(tree, service):
            declared = _name(requirement)
            for name in sorted(_brought_by(requirement, locked) | {declared}):
                if belongs := _not_for(service, name):
                    bringing = "" if name == declared else f" by {declared}"
                    yield Finding(
                        path,
                        _line_of(path, declared),
                        f"the environment of {service.name} gets {name}{bringing}: {belongs}.",
                    )


def _first_of_each(imports: list[Import]) -> Iterator[Import]:
    """The first import of each library in a file: one message says it."""
    tops: set[str] = set()
    for it in imports:
        top = it.module.partition(".")[0]
        if top not in tops:
            tops.add(top)
            yield it


def _not_for(service: Member, distribution: str) -> str | None:
    module = next(
        (module for module, name in DECLARED_AS.items() if name == distribution),
        distribution.replace("-", "_"),
    )
    for home in HOMES:
        # What has its home in shared comes with tools-dashboard; the code is held to the file.
        in_shared = any(place.startswith("shared") for place in home.places)
        at_home = service.name in home.places or in_shared
        if module in home.names and not home.kept_from and not at_home:
            return home.belongs
    return None


def _own(tree: Tree, member: Member) -> set[str]:
    return {_name(requirement) for requirement in _requirements(tree, member)}


def _requirements(tree: Tree, member: Member) -> list[str]:
    found: list[str] = _read(_pyproject(tree, member))["project"].get("dependencies", [])
    return found


def _groups(tree: Tree, member: Member) -> set[str]:
    groups = _read(_pyproject(tree, member)).get("dependency-groups", {})
    return {_name(it) for group in groups.values() for it in group if isinstance(it, str)}


def _modules_of_tests(member: Member) -> set[str]:
    """Tests of back-api import what lies beside them by its bare name."""
    return {path.stem for path in (member.folder / "tests").glob("*.py")}


def _pyproject(tree: Tree, member: Member) -> Path:
    own = member.folder / "pyproject.toml"
    return own if own.exists() else tree.root / "pyproject.toml"


def _read(path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 - TOML, read above
    return tomllib.loads(path.read_text())


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _line_of(path: Path, distribution: str) -> int:
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        if _name(text.strip(' "')) == distribution:
            return number
    return 1


@cache
def _locked(root: Path) -> dict[str, set[str]]:
    """What each distribution of uv.lock needs; `celery[redis]` is an entry of its own."""
    needs: dict[str, set[str]] = {}
    for package in _read(root / "uv.lock").get("package", []):
        needs[package["name"]] = _needed(package.get("dependencies", []))
        for extra, dependencies in package.get("optional-dependencies", {}).items():
            needs[f"{package['name']}[{extra}]"] = _needed(dependencies)
    return needs


def _needed(dependencies: list[dict[str, object]]) -> set[str]:
    found = {str(it["name"]) for it in dependencies}
    for it in dependencies:
        extras = it.get("extra", [])
        found |= {
            f"{it['name']}[{extra}]" for extra in (extras if isinstance(extras, list) else [])
        }
    return found


def _brought_by(requirement: str, locked: dict[str, set[str]]) -> set[str]:
    """Everything that `celery[redis]>=5` installs beside celery itself."""
    name = _name(requirement)
    extras = re.search(r"\[(.*?)\]", requirement)
    waiting = (
        [name, *(f"{name}[{it.strip()}]" for it in extras[1].split(","))] if extras else [name]
    )
    found: set[str] = set()
    while waiting:
        for name in locked.get(waiting.pop(), set()) - found:
            found.add(name)
            waiting.append(name)
    return {name for name in found if "[" not in name}
