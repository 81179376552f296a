"""No environment holds a library that the boundary of its service bans, also not by another one."""

import tomllib
from collections.abc import Iterator
from typing import Any

from devtools.checks.tree import Finding, Tree

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
"""What it brings is in every service; ruff holds the code to the list."""


def environments_apart(tree: Tree) -> Iterator[Finding]:
    """What uv.lock gives a service holds nothing of the list in its ruff.toml."""
    path = tree.root / "uv.lock"
    text = path.read_text()
    locked = {it["name"]: it for it in tomllib.loads(text)["package"]}
    shared = _with_all_below({"name": SHARED}, locked)
    for service in tree.services:
        if not (service.folder / "ruff.toml").exists():
            what = (
                f"{service.name} states no boundary. Copy the ruff.toml and tests/ruff.toml of a "
                "service that may use the same, and its [tool.importlinter] and [tool.deptry]."
            )
            yield Finding(service.folder / "pyproject.toml", 1, what)
            continue
        rules = tomllib.loads((service.folder / "ruff.toml").read_text())
        banned = rules["lint"]["flake8-tidy-imports"]["banned-api"]
        for declared in locked[service.name].get("dependencies", []):
            for name in sorted(_with_all_below(declared, locked) - shared):
                module = IMPORTED_AS.get(name, name.replace("-", "_"))
                if module in banned:
                    by = "" if name == declared["name"] else f" by {declared['name']}"
                    why = banned[module]["msg"]
                    what = f"the environment of {service.name} gets {name}{by}: {why}."
                    offset = text.index(f'name = "{service.name}"')
                    yield Finding.at(path, text, offset, what)


def _with_all_below(dependency: dict[str, Any], locked: dict[str, dict[str, Any]]) -> set[str]:
    """A dependency as uv.lock states it, `extra` included, and all that it brings."""
    found: set[str] = set()
    waiting = [dependency]
    while waiting:
        it = waiting.pop()
        package = locked[it["name"]]
        for extra in it.get("extra", []):
            waiting += package.get("optional-dependencies", {}).get(extra, [])
        if it["name"] not in found:
            found.add(it["name"])
            waiting += package.get("dependencies", [])
    return found
