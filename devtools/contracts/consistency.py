"""What holds between contracts, models and versions, beyond the schema of one file."""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from packaging.specifiers import SpecifierSet

from devtools.contracts import fronts
from devtools.contracts.stub_routes import path_parameters, type_of
from shared.testing.contracts.files import ContractFile, Finding, each_in
from shared.testing.contracts.models import UnknownModel, model
from shared.testing.yaml_source import Location, load

Files = Mapping[str, ContractFile]

SHARED = "shared"

MODELS = (
    ("endpoints", "request"),
    ("endpoints", "response", "model"),
    ("events", "payload"),
    ("streams", "entry"),
    ("sockets", "message"),
    ("sockets", "events", "payload"),
    ("schemas",),
)
"""Where a contract names models."""

ACTING = (
    ("endpoints", "service"),
    ("calls", "caller"),
    ("events", "publisher"),
    ("events", "also_published_by"),
    ("streams", "publisher"),
    ("streams", "consumers"),
    ("sockets", "service"),
    ("consumers", "service"),
    ("consumers", "delivered_by"),
)
"""Where a contract names services that do something in it, besides the callers of endpoints."""


def broken(files: Files, versions: Mapping[str, str]) -> list[Finding]:
    """Everything that is wrong; `versions` holds shared and each service that has code."""
    rules = (
        models,
        parameters,
        participants,
        callers,
        named_once,
        consumers,
        fronts.dependencies,
        no_cycle,
    )
    found = [finding for rule in rules for finding in rule(files)]
    return [*found, *ranges(files, versions)]


def models(files: Files) -> Iterator[Finding]:
    """What is named exists in shared/models."""
    for file in files.values():
        for keys in MODELS:
            for name, location in file.each(*keys):
                try:
                    model(name)
                except UnknownModel as unknown:
                    yield file.finding(f"{name}: {unknown}", *location)


def parameters(files: Files) -> Iterator[Finding]:
    """A parameter has a type that exists, and one of a path stands in the path."""
    for file, at, endpoint in each_in(files, lambda it: it.endpoints):
        in_path = path_parameters(endpoint)
        for name in endpoint.parameters.keys() - in_path.keys():
            what = f"the path {endpoint.path} has no {{{name}}}"
            yield file.finding(what, "endpoints", at, "parameters", name)
        places = {"parameters": in_path, "query": endpoint.query, "headers": endpoint.headers}
        for place, named in places.items():
            for name, parameter in named.items():
                try:
                    type_of(parameter)
                except UnknownModel as unknown:
                    what = f"{parameter.type} is neither a plain type nor one of shared/models"
                    yield file.finding(f"{what}: {unknown}", "endpoints", at, place, name)


def participants(files: Files) -> Iterator[Finding]:
    """Every service that a contract mentions takes part, and says what it depends on."""
    for file in files.values():
        contract = file.contract
        named = [(service, ("dependencies", service)) for service in contract.dependencies]
        for name, location in [*named, *(it for keys in ACTING for it in file.each(*keys))]:
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
    listed = {(it.title, it.caller) for _, _, it in each_in(files, lambda it: it.calls)}
    granted: set[tuple[str, str]] = set()
    for file, at, endpoint in each_in(files, lambda it: it.endpoints):
        grants = {(endpoint.title, caller) for caller in endpoint.callers}
        granted |= grants
        for _, caller in sorted(grants - listed):
            if caller not in file.contract.participants:
                yield file.finding(
                    f"{caller} is not among services: add it with what it provides, or list "
                    "the call under calls of the contract of the feature that makes it",
                    *("endpoints", at, "callers"),
                )
    for file, at, call in each_in(files, lambda it: it.calls):
        if (call.title, call.caller) not in granted:
            what = f"{call.title} has no caller {call.caller} in any contract"
            yield file.finding(what, "calls", at)


def named_once(files: Files) -> Iterator[Finding]:
    """An endpoint and an event stand in one contract, once."""
    seen: dict[str, str] = {}
    endpoints = [(*it[:2], it[2].title) for it in each_in(files, lambda it: it.endpoints)]
    events = [(*it[:2], it[2].type) for it in each_in(files, lambda it: it.events)]
    for key, listed in (("endpoints", endpoints), ("events", events)):
        for file, at, what in listed:
            if what in seen:
                yield file.finding(f"{what} stands in {seen[what]} already", key, at)
            seen.setdefault(what, file.contract.name)


def consumers(files: Files) -> Iterator[Finding]:
    """An event goes to consumers that some contract declares."""
    known = {it.name for _, _, it in each_in(files, lambda it: it.consumers)}
    for file, at, event in each_in(files, lambda it: it.events):
        for name in (it for it in event.consumers if it not in known):
            yield file.finding(
                f"{event.type} goes to {name}, and no contract has such a consumer; "
                f"there are {', '.join(sorted(known))}",
                *("events", at, "consumers"),
            )


def not_open(files: Files, kong: str) -> Iterator[Finding]:
    """Each endpoint of a service that kong.yml, by its text, does not route asks for a scope."""
    routed = set(re.findall(r"//([\w-]+):\d", kong))
    for file, at, endpoint in each_in(files, lambda it: it.endpoints):
        if endpoint.service not in routed and not endpoint.scope:
            what = f"{endpoint.title} lets in everybody. Give it a scope and callers here"
            yield file.finding(f"{what}, and its route calls_with_scope(…)", "endpoints", at)


def critical(files: Files, kong: str) -> Iterator[Finding]:
    """The gateway's route of a critical endpoint that people call is critical too."""
    routes = [it for service in load(kong)["services"] for it in service["routes"]]
    tagged = [path for it in routes if "critical" in it.get("tags", []) for path in it["paths"]]
    for file, at, it in each_in(files, lambda it: it.endpoints):
        if it.priority != "critical" or it.scope:
            continue
        if not any(path == f"~{it.path}$" or it.path.startswith(path) for path in tagged):
            what = (
                f"{it.title} is critical, and the gateway sheds it with others: give it a route "
                "with `tags: [critical]` in back-gateway/kong.yml"
            )
            yield file.finding(what, "endpoints", at)


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


def _calls(file: ContractFile) -> Iterator[tuple[str, str, Location]]:
    contract = file.contract
    for at, endpoint in enumerate(contract.endpoints):
        for caller in endpoint.callers:
            if caller in contract.participants:
                yield caller, endpoint.service, ("endpoints", at, "callers")
    for at, call in enumerate(contract.calls):
        yield call.caller, call.service, ("calls", at)
