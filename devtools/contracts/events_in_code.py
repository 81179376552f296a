"""Features, and events that the code publishes and consumes, held to what the contracts say.

Read from the source, so that nothing has to run: a publication is a call with the event's type
and its payload side by side, `Command.with_event("user.registered", UserRegistered(…), …)`, or
the same through a function of the service's own; a consumer compares an `event_type`, or is a
`Consumer("name", …)` of the service that delivers.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.testing.contracts.files import ContractFile, Finding
from shared.testing.contracts.schema import Event

EVENT_TYPE = re.compile(r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$")
LEFT_OUT = {"tests", "__pycache__", ".venv", "node_modules", "migrations"}


@dataclass(frozen=True)
class Use:
    """An event type in the code; `payload` is the class that it is published with."""

    path: Path
    line: int
    type: str
    payload: str | None = None


@dataclass(frozen=True)
class Source:
    """One file of a service."""

    path: Path
    tree: ast.Module

    @property
    def constants(self) -> dict[str, str]:
        """Names of the module that stand for a text."""
        found: dict[str, str] = {}
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    found[name] = text
        return found

    def text(self, node: ast.expr) -> str | None:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id=name):
                return self.constants.get(name)
        return None


def broken(
    root: Path, services: Mapping[str, str], files: Mapping[str, ContractFile]
) -> Iterator[Finding]:
    """What the code of `services` does with events that no contract says, and the reverse."""
    events = {event.type: event for file in files.values() for event in file.contract.events}
    for service in services:
        own = list(sources(root, service))
        for source in own:
            for use in _published(source):
                yield from _against_contract(service, use, events.get(use.type))
            yield from _made_by_a_socket(service, source, events, files)
            yield from _read(service, source, files)
        yield from _delivered(service, own, files)


def folders(
    root: Path, services: Mapping[str, str], files: Mapping[str, ContractFile]
) -> Iterator[Finding]:
    """A service that keeps its code by feature has one folder for each contract it takes part in.

    Such a service has `features/__init__.py`; others keep only slices there.
    """
    for service in services:
        home = Path(service) / "features"
        if not (root / home / "__init__.py").exists():
            continue
        missing = {
            name.replace("-", "_"): file
            for name, file in files.items()
            if service in file.contract.participants
        }
        for path in sorted((root / home).glob("*/__init__.py")):
            folder = path.parent.name
            if not missing.pop(folder, None):
                what = f"no contract {folder.replace('_', '-')} has {service} among its services: "
                mend = "write it in shared/contracts, or move the code to the feature it belongs to"
                yield Finding(home / folder, None, f"{what}{mend}")
        for folder, file in missing.items():
            at = file.contract.participants.index(service)
            what = f"{service} takes part, but {home / folder}/ holds no code: write it there, or "
            yield file.finding(f"{what}take {service} out of services", "services", at)


def _against_contract(service: str, use: Use, event: Event | None) -> Iterator[Finding]:
    if event is None:
        yield Finding(
            use.path,
            use.line,
            f"publishes {use.type}, and no contract has it: add it to the events of the "
            "feature's contract, with its payload and who consumes it",
        )
    elif service not in event.publishers:
        yield Finding(
            use.path,
            use.line,
            f"publishes {use.type}, which is {event.publisher}'s to publish by its contract",
        )
    elif use.payload and event.payload.rpartition(".")[2] != use.payload:
        yield Finding(
            use.path,
            use.line,
            f"publishes {use.type} with {use.payload}; its contract says {event.payload}",
        )


def _made_by_a_socket(
    service: str,
    source: Source,
    events: Mapping[str, Event],
    files: Mapping[str, ContractFile],
) -> Iterator[Finding]:
    own = {
        event.type
        for file in files.values()
        for socket in file.contract.sockets
        if socket.service == service
        for event in socket.events
    }
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Name(id="EventEnvelope"), keywords=keywords):
                given = next((it.value for it in keywords if it.arg == "event_type"), None)
                kind = source.text(given) if given else None
                if kind and kind not in own and kind not in events:
                    yield Finding(
                        source.path,
                        node.lineno,
                        f"makes {kind}, and no contract has it: add it to events, or to the "
                        "events of the socket that makes it",
                    )


def _read(service: str, source: Source, files: Mapping[str, ContractFile]) -> Iterator[Finding]:
    names = {
        consumer.name
        for file in files.values()
        for consumer in file.contract.consumers
        if consumer.service == service
    }
    reach = {
        event.type
        for file in files.values()
        for event in file.contract.events
        if names & set(event.consumers)
    }
    for use in _compared(source):
        if use.type not in reach:
            yield Finding(
                use.path,
                use.line,
                f"waits for {use.type}, and no contract brings it to {service}: add "
                f"{' or '.join(sorted(names)) or 'a consumer of this service'} to the consumers "
                "of that event",
            )


def _delivered(
    service: str, sources: list[Source], files: Mapping[str, ContractFile]
) -> Iterator[Finding]:
    declared = {
        consumer.name: (file, at)
        for file in files.values()
        for at, consumer in enumerate(file.contract.consumers)
        if consumer.delivered_by == service
    }
    found: set[str] = set()
    for source in sources:
        for node in ast.walk(source.tree):
            match node:
                case ast.Call(func=ast.Name(id="Consumer"), args=[first, *_]):
                    name = source.text(first)
                    if name and name not in declared:
                        what = f"delivers to {name}, and no contract has such a consumer"
                        yield Finding(source.path, node.lineno, what)
                    found.add(name or "")
    for name, (file, at) in declared.items():
        if name not in found:
            what = f"nobody takes what goes to {name}: {service} has no Consumer({name!r}, …)"
            yield file.finding(what, "consumers", at)


def _published(source: Source) -> Iterator[Use]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            for kind, payload in zip(node.args, node.args[1:], strict=False):
                text = source.text(kind)
                if text and EVENT_TYPE.match(text):
                    match payload:
                        case ast.Call(func=ast.Name(id=name)) if name[0].isupper():
                            yield Use(source.path, node.lineno, text, name)
        match node:
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name(id="NewEvent" | "Command"), attr="of" | "with_event"
                ),
                args=[kind, second, *_],
            ) if (text := source.text(kind)) and not isinstance(second, ast.Call):
                yield Use(source.path, node.lineno, text)


def _compared(source: Source) -> Iterator[Use]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Compare(left=ast.Attribute(attr="event_type"), comparators=others):
                for other in others:
                    for part in ast.walk(other):
                        text = source.text(part) if isinstance(part, ast.expr) else None
                        if text:
                            yield Use(source.path, node.lineno, text)
            case ast.Match(subject=ast.Attribute(attr="event_type"), cases=cases):
                for case in cases:
                    for part in ast.walk(case.pattern):
                        match part:
                            case ast.MatchValue(value=ast.Constant(value=str(text))):
                                yield Use(source.path, part.lineno, text)


def sources(root: Path, service: str) -> Iterator[Source]:
    """The files of a service, or of a part of `shared`, that run outside tests."""
    for path in sorted((root / service).rglob("*.py")):
        relative = path.relative_to(root)
        if not LEFT_OUT & set(relative.parts):
            yield Source(relative, ast.parse(path.read_text()))
