"""Calls that a contract has to allow, seen before anything runs.

The client refuses them when they are made (`CallNotAllowed`) and the callee by its scopes; a path
that stands in the code is held to the contracts here already.
"""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass

from devtools.checks.tree import Finding, Source, Tree

TABLES = "shared/kit/contract_registry.json"
METHODS = {"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}
HEALTH = "/health"


@dataclass(frozen=True)
class Allowed:
    """One endpoint that some services may call."""

    callee: str
    method: str
    segments: tuple[str, ...]

    def covers(self, callee: str | None, method: str, path: str) -> bool:
        """Whether it may allow this call.

        `callee` is None where the code doesn't tell it, `{}` in a path is any segment.
        """
        segments = path.split("/")
        return (
            self.callee == (callee or self.callee)
            and self.method == method
            and len(segments) == len(self.segments)
            and all(
                here in {there, "{}"} or there.startswith("{")
                for here, there in zip(segments, self.segments, strict=True)
            )
        )


def calls_in_contracts(tree: Tree) -> Iterator[Finding]:
    """Each call of a ServiceClient, and each client that is made, is one that a contract lists."""
    callers = _allowed(tree)
    services = {service.name for service in tree.services}
    for service in tree.services:
        allowed = callers.get(service.name, [])
        known = {it.callee for it in allowed}
        for source in service.shipped:
            for line, callee in _clients(source):
                if callee in services and callee not in known:
                    yield Finding(
                        source.path,
                        line,
                        f"{service.name} makes a client of {callee}, and no contract lets it call "
                        f"there. Add {service.name} to the callers of an endpoint in "
                        "shared/contracts, or go without.",
                    )
            for line, receiver, method, path in _calls(source):
                callee = f"back-{receiver.strip('_')}"
                named = callee if callee in services else None
                if path.startswith(HEALTH) or any(it.covers(named, method, path) for it in allowed):
                    continue
                yield Finding(
                    source.path,
                    line,
                    f"no contract lets {service.name} call {method} {path} at "
                    f"{named or 'any service'}. Add it to the callers of that endpoint in "
                    "shared/contracts/<feature>/feature.yaml, then ./dev contracts sync.",
                )


def _allowed(tree: Tree) -> dict[str, list[Allowed]]:
    found: dict[str, list[Allowed]] = {}
    for it in json.loads((tree.root / TABLES).read_text())["endpoints"]:
        endpoint = Allowed(it["service"], it["method"], tuple(it["path"].split("/")))
        for caller in it["callers"]:
            found.setdefault(caller, []).append(endpoint)
    return found


def _clients(source: Source) -> Iterator[tuple[int, str]]:
    """`service.client("back-x")` and `service_client(settings, "back-x")`."""
    for node in ast.walk(source.tree):
        match node:
            case (
                ast.Call(
                    func=ast.Attribute(attr="client"), args=[ast.Constant(value=str(callee)), *_]
                )
                | ast.Call(
                    func=ast.Name(id="service_client"),
                    args=[_, ast.Constant(value=str(callee)), *_],
                )
            ):
                yield node.lineno, callee


def _calls(source: Source) -> Iterator[tuple[int, str, str, str]]:
    """Line, name of the client, method and path; a value in a path is one segment, `{}`.

    Routes (`@router.get("/users")`) are no calls.
    """
    routes = {
        id(decorator)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    }
    paths = _named_paths(source)
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=client, attr=verb), args=args) if (
                id(node) not in routes
            ):
                if verb == "call" and len(args) > 1 and isinstance(args[0], ast.Constant):
                    method, place = str(args[0].value), args[1]
                elif (verb in METHODS or verb == "events") and args:
                    method, place = METHODS.get(verb, "GET"), args[0]
                else:
                    continue
                path = _path(place, paths)
                if path and path.startswith("/"):
                    yield node.lineno, _name(client), method, path


def _named_paths(source: Source) -> dict[str, str]:
    """Paths that are given a name before they are called."""
    found = {}
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if path := _path(value, {}):
                    found[name] = path
    return found


def _path(node: ast.expr, named: dict[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
            )
        case ast.Name(id=name):
            return named.get(name)
    return None


def _name(client: ast.expr) -> str:
    match client:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
