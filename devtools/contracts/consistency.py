"""What holds between contracts, models and versions, beyond the schema of one file."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from packaging.specifiers import SpecifierSet

from devtools.contracts.stub_routes import path_parameters, type_of
from shared.testing.contracts.files import ContractFile, Finding, Location
from shared.testing.contracts.models import UnknownModel, model
from shared.testing.contracts.schema import Endpoint, ModelName

Files = Mapping[str, ContractFile]

SHARED = "shared"


def broken(files: Files, versions: Mapping[str, str]) -> list[Finding]:
    """Everything that is wrong; `versions` holds shared and each service that has code."""
    return [
        finding
        for rule in (
            models,
            participants,
            callers,
            endpoints_once,
            events_once,
            consumers,
            no_cycle,
        )
        for finding in rule(files)
    ] + list(ranges(files, versions))


def models(files: Files) -> Iterator[Finding]:
    """What is named exists in shared/models."""
    for file in files.values():
        for name, location in _named(file):
            try:
                model(name)
            except UnknownModel as unknown:
                yield file.finding(f"{name}: {unknown}", *location)
        for at, endpoint in enumerate(file.contract.endpoints):
            yield from _parameters(file, at, endpoint)


def participants(files: Files) -> Iterator[Finding]:
    """Every service that a contract mentions takes part, and says what it depends on."""
    for file in files.values():
        contract = file.contract
        for name, location in _mentioned(file):
            if name not in contract.participants:
                yield file.finding(
                    f"{name} is not among services: add it with what it provides", *location
                )
        back = {(it.caller, it.callee) for it in contract.callbacks}
        for caller, callee, location in _calls(file):
            if callee not in contract.ranges_of(caller) and (caller, callee) not in back:
                yield file.finding(
                    f"{caller} calls {callee} without depending on it: add "
                    f'`{callee}: ">=…"` to its dependencies, or a callback',
                    *location,
                )


def callers(files: Files) -> Iterator[Finding]:
    """A caller takes part in the endpoint's contract, or another contract lists the call."""
    listed = {
        (it.caller, it.service, it.method, it.path)
        for file in files.values()
        for it in file.contract.calls
    }
    granted: set[tuple[str, str, str, str]] = set()
    for file in files.values():
        for at, it in enumerate(file.contract.endpoints):
            for caller in it.callers:
                call = (caller, it.service, it.method, it.path)
                granted.add(call)
                if caller not in file.contract.participants and call not in listed:
                    yield file.finding(
                        f"{caller} is not among services: add it with what it provides, or list "
                        "the call under calls of the contract of the feature that makes it",
                        *("endpoints", at, "callers"),
                    )
    for file in files.values():
        for at, made in enumerate(file.contract.calls):
            if (made.caller, made.service, made.method, made.path) not in granted:
                what = f"{made.method} {made.path} of {made.service} has no caller {made.caller}"
                yield file.finding(f"{what} in any contract", "calls", at)


def endpoints_once(files: Files) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], str] = {}
    for name, file in files.items():
        for at, it in enumerate(file.contract.endpoints):
            key = (it.service, it.method, it.path)
            if key in seen:
                what = f"{it.method} {it.path} of {it.service} stands in {seen[key]} already"
                yield file.finding(what, "endpoints", at)
            seen.setdefault(key, name)


def events_once(files: Files) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, file in files.items():
        for at, event in enumerate(file.contract.events):
            if event.type in seen:
                what = f"{event.type} stands in {seen[event.type]} already"
                yield file.finding(what, "events", at, "type")
            seen.setdefault(event.type, name)


def consumers(files: Files) -> Iterator[Finding]:
    """An event goes to consumers that some contract declares."""
    known = {it.name for file in files.values() for it in file.contract.consumers}
    for file in files.values():
        for at, event in enumerate(file.contract.events):
            for name in event.consumers:
                if name not in known:
                    yield file.finding(
                        f"{event.type} goes to {name}, and no contract has such a consumer; "
                        f"there are {', '.join(sorted(known))}",
                        *("events", at, "consumers"),
                    )


def edges(files: Files) -> dict[str, set[str]]:
    """Which services each service depends on, callbacks left out."""
    found: dict[str, set[str]] = {}
    for file in files.values():
        for service in file.contract.participants:
            found.setdefault(service, set()).update(file.contract.ranges_of(service))
    return found


def no_cycle(files: Files) -> Iterator[Finding]:
    """Dependencies have a direction: it is the order of a release."""
    try:
        TopologicalSorter(edges(files)).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][::-1]
        for service, needed in pairwise(cycle):
            for file in files.values():
                listed = file.contract.dependencies.get(service, [])
                at = next((n for n, it in enumerate(listed) if needed in it), None)
                if at is not None:
                    yield file.finding(
                        f"a cycle: {' → '.join(cycle)}. Turn one of these around, or declare the "
                        "edge that runs back under callbacks instead of dependencies",
                        *("dependencies", service, at),
                    )


def ranges(files: Files, versions: Mapping[str, str]) -> Iterator[Finding]:
    """The version that a service has is one that its dependants take."""
    for file in files.values():
        for service, dependencies in file.contract.dependencies.items():
            for at, dependency in enumerate(dependencies):
                ((needed, text),) = dependency.items()
                version = versions.get(needed)
                if version and not SpecifierSet(text).contains(version):
                    place = "pyproject.toml" if needed == SHARED else f"{needed}/pyproject.toml"
                    yield file.finding(
                        f"{service} needs {needed} {text}, and {place} says {version}",
                        *("dependencies", service, at),
                    )


def _named(file: ContractFile) -> Iterator[tuple[ModelName, Location]]:
    contract = file.contract
    for at, endpoint in enumerate(contract.endpoints):
        if endpoint.request:
            yield endpoint.request, ("endpoints", at, "request")
        if endpoint.response.model:
            yield endpoint.response.model, ("endpoints", at, "response", "model")
    for at, event in enumerate(contract.events):
        yield event.payload, ("events", at, "payload")
    for at, stream in enumerate(contract.streams):
        yield stream.entry, ("streams", at, "entry")
    for at, socket in enumerate(contract.sockets):
        yield socket.message, ("sockets", at, "message")
        for number, own in enumerate(socket.events):
            if own.payload:
                yield own.payload, ("sockets", at, "events", number, "payload")
    for key, name in contract.schemas.items():
        yield name, ("schemas", key)


def _parameters(file: ContractFile, at: int, endpoint: Endpoint) -> Iterator[Finding]:
    in_path = path_parameters(endpoint)
    for name in endpoint.parameters:
        if name not in in_path:
            what = f"the path {endpoint.path} has no {{{name}}}"
            yield file.finding(what, "endpoints", at, "parameters", name)
    places = {"parameters": in_path, "query": endpoint.query, "headers": endpoint.headers}
    for place, parameters in places.items():
        for name, parameter in parameters.items():
            try:
                type_of(parameter)
            except UnknownModel as unknown:
                what = f"{parameter.type} is neither a plain type nor one of shared/models"
                yield file.finding(f"{what}: {unknown}", "endpoints", at, place, name)


def _calls(file: ContractFile) -> Iterator[tuple[str, str, Location]]:
    contract = file.contract
    for at, endpoint in enumerate(contract.endpoints):
        for caller in endpoint.callers:
            if caller in contract.participants:
                yield caller, endpoint.service, ("endpoints", at, "callers")
    for at, call in enumerate(contract.calls):
        yield call.caller, call.service, ("calls", at)


def _mentioned(file: ContractFile) -> Iterator[tuple[str, Location]]:
    contract = file.contract
    for service in contract.dependencies:
        yield service, ("dependencies", service)
    for at, endpoint in enumerate(contract.endpoints):
        yield endpoint.service, ("endpoints", at, "service")
    for at, call in enumerate(contract.calls):
        yield call.caller, ("calls", at, "caller")
    for at, event in enumerate(contract.events):
        for publisher in event.publishers:
            yield publisher, ("events", at, "publisher")
    for at, stream in enumerate(contract.streams):
        yield stream.publisher, ("streams", at, "publisher")
        for consumer in stream.consumers:
            yield consumer, ("streams", at, "consumers")
    for at, socket in enumerate(contract.sockets):
        yield socket.service, ("sockets", at, "service")
    for at, consumer_ in enumerate(contract.consumers):
        yield consumer_.service, ("consumers", at, "service")
        yield consumer_.delivered_by, ("consumers", at, "delivered_by")
