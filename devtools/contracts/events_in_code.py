"""Events that the code publishes and consumes, held to what the contracts say.

Read from the source, so that nothing has to run: a publication is a call with the event's type
and its payload side by side, `Command.with_event("user.registered", UserRegistered(…), …)`, or
the same through a function of the service's own; a consumer compares an `event_type`, or is a
`Consumer("name", …)` of the service that delivers.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from devtools.workspace.repository import written_files
from shared.testing.contracts.files import ContractFile, Finding, each_in
from shared.testing.contracts.schema import Contract

EVENT_TYPE = re.compile(r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$")
LEFT_OUT = {"tests", "migrations"}


@dataclass(frozen=True)
class Use:
    """What the code does with an event at `line`; `payload` is the class that it publishes."""

    does: str
    line: int
    type: str
    payload: str | None = None


@dataclass(frozen=True)
class Source:
    """One file of a service."""

    path: Path
    tree: ast.Module

    @cached_property
    def constants(self) -> dict[str, str]:
        """Names of the module that stand for a text."""
        found: dict[str, str] = {}
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    found[name] = text
        return found

    def text(self, node: ast.AST) -> str:
        """The text that `node` is or names, else nothing."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id=name):
                return self.constants.get(name, "")
        return ""

    @cached_property
    def uses(self) -> list[Use]:
        """What this file does with events, and the consumers that it delivers to."""
        return list(self._uses())

    def _uses(self) -> Iterator[Use]:
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(func=ast.Name(id="EventEnvelope"), keywords=keywords):
                    for keyword in keywords:
                        if keyword.arg == "event_type":
                            yield Use("makes", node.lineno, self.text(keyword.value))
                case ast.Call(func=ast.Name(id="Consumer"), args=[name, *_]):
                    yield Use("delivers to", node.lineno, self.text(name))
                case ast.Call():
                    yield from self._published(node)
                case ast.Compare(left=ast.Attribute(attr="event_type"), comparators=others):
                    yield from self._awaited(others)
                case ast.Match(subject=ast.Attribute(attr="event_type"), cases=cases):
                    yield from self._awaited([case.pattern for case in cases])

    def _awaited(self, compared: Sequence[ast.AST]) -> Iterator[Use]:
        for part in (part for it in compared for part in ast.walk(it)):
            if isinstance(part, ast.expr):
                yield Use("waits for", part.lineno, self.text(part))

    def _published(self, call: ast.Call) -> Iterator[Use]:
        for kind, payload in zip(call.args, call.args[1:], strict=False):
            match payload:
                case ast.Call(func=ast.Name(id=name)) if name[0].isupper():
                    if EVENT_TYPE.match(self.text(kind)):
                        yield Use("publishes", call.lineno, self.text(kind), name)
        match call:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id="NewEvent" | "Command"), attr="of" | "with_event"
                ),
                args=[kind, second, *_],
            ) if not isinstance(second, ast.Call):
                yield Use("publishes", call.lineno, self.text(kind))


def broken(
    root: Path, services: Mapping[str, str], files: Mapping[str, ContractFile]
) -> Iterator[Finding]:
    """What the code of `services` does with events that no contract says, and the reverse."""
    contracts = [file.contract for file in files.values()]
    for service in services:
        agreed = _Agreed(service, contracts)
        delivered: set[str] = set()
        for source in sources(root, service):
            for use in source.uses:
                if use.type and (what := agreed.refusal(use)):
                    yield Finding(source.path, use.line, f"{use.does} {use.type}{what}")
                if use.does == "delivers to":
                    delivered.add(use.type)
        for file, at, it in each_in(files, lambda it: it.consumers):
            if it.delivered_by == service and it.name not in delivered:
                what = f"{service} has no Consumer({it.name!r}, …)"
                yield file.finding(f"nobody takes what goes to {it.name}: {what}", "consumers", at)


class _Agreed:
    """What the contracts say about the events of one service."""

    def __init__(self, service: str, contracts: list[Contract]) -> None:
        self._service = service
        self._events = {event.type: event for it in contracts for event in it.events}
        consumers = [consumer for it in contracts for consumer in it.consumers]
        self._consumers = {it.name for it in consumers if it.service == service}
        self._delivers = {it.name for it in consumers if it.delivered_by == service}
        sockets = [socket for it in contracts for socket in it.sockets]
        self._makes = {event.type for it in sockets if it.service == service for event in it.events}

    def refusal(self, use: Use) -> str:
        """Why a contract does not allow `use`; empty where one does."""
        event = self._events.get(use.type)
        own = " or ".join(sorted(self._consumers)) or "a consumer of this service"
        add = "and no contract has it: add it to"
        refused = ""
        match use.does:
            case "publishes" if event is None:
                refused = (
                    f", {add} the events of the feature's contract, "
                    "with its payload and who consumes it"
                )
            case "publishes" if event and self._service not in event.publishers:
                refused = f", which is {event.publisher}'s to publish by its contract"
            case "publishes" if event and use.payload not in {
                None,
                event.payload.rpartition(".")[2],
            }:
                refused = f" with {use.payload}; its contract says {event.payload}"
            case "makes" if event is None and use.type not in self._makes:
                refused = f", {add} events, or to the events of the socket that makes it"
            case "delivers to" if use.type not in self._delivers:
                refused = ", and no contract has such a consumer"
            case "waits for" if event is None or not self._consumers & {*event.consumers}:
                refused = (
                    f", and no contract brings it to {self._service}: "
                    f"add {own} to the consumers of that event"
                )
        return refused


def sources(root: Path, service: str) -> Iterator[Source]:
    """The files of a service, or of a part of `shared`, that run outside tests."""
    for path in written_files(root / service, ".py"):
        relative = path.relative_to(root)
        if not LEFT_OUT & set(relative.parts):
            yield _parsed(relative, path.read_text())


@cache
def _parsed(path: Path, text: str) -> Source:
    return Source(path, ast.parse(text))
