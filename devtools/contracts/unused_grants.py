"""What a contract grants and nothing uses: callers, dependencies, participants, permissions, flags.

A caller uses an endpoint when its code makes that call: `client.post("/users", …)`, with a path
that stands in the call or in a constant of the module. It also does when it hands the path on to
what makes the call: `session_check(auth, "/internal/sessions")`. A call that the kit makes, such as
for the key set, counts for each service that names the class or function that makes it.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from devtools.contracts import fronts
from devtools.contracts.consistency import ACTING, SHARED, Files
from devtools.contracts.document_shapes import METHODS
from devtools.contracts.events_in_code import Source, sources
from shared.testing.contracts.files import ContractFile, Finding, each_in
from shared.testing.contracts.schema import Endpoint

PERMISSION = re.compile(r"[a-z-]+:[a-z-]+")
ROLES = Path("back-auth") / "services" / "permission_service.py"
REMOVE = "remove it from the contract and from the code behind it"


@dataclass(frozen=True)
class Call:
    """A call in the code: a value in its path is the segment `{}`.

    `method` is None for a path that is handed on; what makes the call may add a value to it.
    """

    method: str | None
    segments: tuple[str, ...]

    def uses(self, endpoint: Endpoint) -> bool:
        wanted = endpoint.path.split("/")
        rest = wanted[len(self.segments) :]
        return (
            self.method in {endpoint.method, None}
            and (not rest if self.method else all(it.startswith("{") for it in rest))
            and len(self.segments) <= len(wanted)
            and all(
                there.startswith("{") or here == there
                for here, there in zip(self.segments, wanted, strict=False)
            )
        )


def unused(root: Path, services: Iterable[str], files: Files) -> Iterator[Finding]:
    """Grants that nothing uses; `services` are those that have code."""
    known = set(services)
    for file, at, endpoint in each_in(files, lambda it: it.endpoints):
        for caller in known.intersection(endpoint.callers):
            if not any(it.uses(endpoint) for it in calls(root, caller)):
                what = f"{caller} may call {endpoint.title}, and no code of it does: {REMOVE}"
                yield file.finding(what, "endpoints", at, "callers")
    for file in files.values():
        yield from _dependencies(file)
        yield from _flag(root, known, file)
    for file, at, it in each_in(files, lambda it: it.services):
        acting = {name for keys in ACTING for name, _ in file.each(*keys)}
        acting |= {caller for it in file.contract.endpoints for caller in it.callers}
        if it.name not in acting and not fronts.is_front(it.name):
            what = f"{it.name} takes part, and serves, calls and publishes nothing: remove it"
            yield file.finding(what, "services", at)
    if (root / ROLES).exists():
        yield from _permissions(root, files)


def _dependencies(file: ContractFile) -> Iterator[Finding]:
    contract = file.contract
    used = {(caller, it.service) for it in contract.endpoints for caller in it.callers}
    used |= {(it.caller, it.service) for it in contract.calls}
    used |= {(consumer, it.publisher) for it in contract.streams for consumer in it.consumers}
    offering = fronts.offering(contract)
    used |= {(it, one) for it in contract.participants if fronts.is_front(it) for one in offering}
    for service, dependencies in contract.dependencies.items():
        for at, needed in ((at, it) for at, one in enumerate(dependencies) for it in one):
            if needed != SHARED and (service, needed) not in used:
                what = f"{service} depends on {needed}, and calls nothing of it here: remove it"
                yield file.finding(what, "dependencies", service, at)


def _permissions(root: Path, files: Files) -> Iterator[Finding]:
    asked = {it.permission for file in files.values() for it in file.contract.endpoints}
    for node in ast.walk(ast.parse((root / ROLES).read_text())):
        match node:
            case ast.Constant(value=str(text)) if PERMISSION.fullmatch(text) and text not in asked:
                what = f"grants {text}, and no endpoint asks for it: remove it"
                yield Finding(ROLES, node.lineno, what)


def _flag(root: Path, services: set[str], file: ContractFile) -> Iterator[Finding]:
    flag = file.contract.flag
    here = [it for it in file.contract.participants if it in services]
    texts = (node for name in here for it in sources(root, name) for node in ast.walk(it.tree))
    if flag and not any(isinstance(it, ast.Constant) and it.value == flag for it in texts):
        yield file.finding(f"no code asks for the flag {flag}: remove it", "flag")


@cache
def calls(root: Path, service: str) -> frozenset[Call]:
    """The calls that the code of `service` makes, itself or by the kit."""
    own = list(sources(root, service))
    named = {name for source in own for name in _names(source)}
    kit = [
        call
        for source in sources(root, "shared/kit")
        for part in source.tree.body
        if isinstance(part, ast.ClassDef | ast.FunctionDef) and part.name in named
        for call in _calls(source, part)
    ]
    return frozenset([*kit, *(call for it in own for call in _calls(it, it.tree))])


@cache
def _names(source: Source) -> frozenset[str]:
    found = set()
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found.add(name)
    return frozenset(found)


@cache
def _calls(source: Source, part: ast.AST) -> frozenset[Call]:
    """The calls in `part` of `source`."""
    return frozenset(_each_call(part, _paths(source)))


def _each_call(tree: ast.AST, paths: Mapping[str, str]) -> Iterator[Call]:
    routes = {
        id(decorator)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in routes:
            verb = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            method = "GET" if verb == "events" else verb.upper() if verb in METHODS else None
            for place in node.args:
                path = _path(place, paths)
                if path and path.startswith("/"):
                    yield Call(method, tuple(path.split("/")))


@cache
def _paths(source: Source) -> dict[str, str]:
    """Paths that are given a name before they are called."""
    found = {}
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if path := _path(value, {}):
                    found[name] = path
    return found


def _path(node: ast.expr, named: Mapping[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(it.value) if isinstance(it, ast.Constant) else "{}" for it in parts)
        case ast.Name(id=name):
            return named.get(name)
    return None
