"""No environment holds a library that the boundary of its service bans, also not by another one."""

import re
import tomllib
from collections.abc import Iterator

from devtools.checks.tree import Finding, Member, Tree

IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "cassandra-driver": "cassandra",
    "psycopg2-binary": "psycopg2",
    "pyjwt": "jwt",
    "pynacl": "nacl",
    "python-jose": "jose",
    "valkey-glide": "glide",
}
SHARED = "tools-dashboard"


def environments_apart(tree: Tree) -> Iterator[Finding]:
    """What a service declares brings nothing of the list in its ruff.toml.

    What tools-dashboard brings is in every service; ruff holds the code to the list.
    """
    locked = _locked(tree)
    shared = _brought_by(SHARED, locked) | {SHARED}
    for service in tree.services:
        path = service.folder / "pyproject.toml"
        if not (service.folder / "ruff.toml").exists():
            what = (
                f"{service.name} states no boundary. Copy the ruff.toml and tests/ruff.toml of a "
                "service that may use the same, and its [tool.importlinter] and [tool.deptry]."
            )
            yield Finding(path, 1, what)
            continue
        banned = _banned(service)
        for requirement in service.pyproject["project"].get("dependencies", []):  # type: ignore[attr-defined]  # TOML
            declared = _name(requirement)
            for name in sorted((_brought_by(requirement, locked) | {declared}) - shared):
                module = IMPORTED_AS.get(name, name.replace("-", "_"))
                if module in banned:
                    by = "" if name == declared else f" by {declared}"
                    what = f"the environment of {service.name} gets {name}{by}: {banned[module]}."
                    yield Finding(path, _line_of(path.read_text(), declared), what)


def _banned(service: Member) -> dict[str, str]:
    rules = tomllib.loads((service.folder / "ruff.toml").read_text())
    entries = rules["lint"]["flake8-tidy-imports"]["banned-api"].items()
    return {name: entry["msg"] for name, entry in entries}


def _locked(tree: Tree) -> dict[str, set[str]]:
    """What each distribution of uv.lock needs; `celery[redis]` is an entry of its own."""
    needs: dict[str, set[str]] = {}
    for package in tomllib.loads((tree.root / "uv.lock").read_text()).get("package", []):
        needs[package["name"]] = _needed(package.get("dependencies", []))
        for extra, dependencies in package.get("optional-dependencies", {}).items():
            needs[f"{package['name']}[{extra}]"] = _needed(dependencies)
    return needs


def _needed(dependencies: list[dict[str, object]]) -> set[str]:
    extras = (
        f"{it['name']}[{extra}]"
        for it in dependencies
        for extra in it.get("extra", [])  # type: ignore[attr-defined]  # a list of texts
    )
    return {str(it["name"]) for it in dependencies} | set(extras)


def _brought_by(requirement: str, locked: dict[str, set[str]]) -> set[str]:
    """Everything that `celery[redis]>=5` installs beside celery itself."""
    name = _name(requirement)
    extras = re.search(r"\[(.*?)\]", requirement)
    named = [it.strip() for it in extras[1].split(",")] if extras else []
    waiting = [name, *(f"{name}[{it}]" for it in named)]
    found: set[str] = set()
    while waiting:
        new = locked.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return {name for name in found if "[" not in name}


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _line_of(text: str, distribution: str) -> int:
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, it in lines if _name(it.strip(' "')) == distribution), 1)
