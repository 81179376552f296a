"""The part of a contract that one service keeps beside its code, in the guide's form."""

from collections.abc import Iterator

from shared.testing.contracts.files import ContractFile
from shared.testing.contracts.schema import Call, Contract, Endpoint


def render(file: ContractFile, service: str) -> str:
    """`<service>/features/<feature>/feature.yaml`."""
    contract = file.contract
    provides = next(it.provides for it in contract.services if it.name == service)
    return "\n".join(
        [
            f"# The part of {service} in {file.path.as_posix()}, by ./dev contracts sync.",
            f"name: {contract.name}",
            f"version: {contract.version}",
            f"service: {service}",
            f"contract: sha256:{file.digest}",
            *([f"flag: {contract.flag}"] if contract.flag else []),
            f"provides: [{', '.join(provides)}]",
            *_section("dependencies", _dependencies(contract, service)),
            *_section("endpoints", _endpoints(contract, service)),
            *_section("calls", _calls(contract, service)),
            *_section("sockets", _sockets(contract, service)),
            *_section("publishes", _published(contract, service)),
            *_section("consumes", _consumed(contract, service)),
            "",
        ]
    )


def _section(name: str, lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return ["", f"{name}:", *found] if found else []


def _dependencies(contract: Contract, service: str) -> Iterator[str]:
    for name, text in contract.ranges_of(service).items():
        yield f"  - service: {name}"
        yield f'    version: "{text}"'


def _endpoints(contract: Contract, service: str) -> Iterator[str]:
    for endpoint in contract.endpoints:
        if endpoint.service == service:
            yield f"  - path: {endpoint.path}"
            yield f"    method: {endpoint.method}"
            yield from _guard(endpoint)
            if endpoint.request:
                yield f"    request: {endpoint.request}"
            yield f"    response: {_answer(endpoint)}"
            if endpoint.errors:
                errors = (f"{it}: [{', '.join(codes)}]" for it, codes in endpoint.errors.items())
                yield f"    errors: {{{', '.join(errors)}}}"


def _guard(endpoint: Endpoint) -> Iterator[str]:
    # A service's endpoint that other services call needs their identity, which is a scope.
    yield f"    auth_required: {'false' if endpoint.auth_required is False else 'true'}"
    if endpoint.permission:
        yield f"    permission: {endpoint.permission}"
    if endpoint.scope:
        yield f"    scope: {endpoint.scope}"
    if endpoint.callers:
        yield f"    callers: [{', '.join(endpoint.callers)}]"


def _answer(endpoint: Endpoint) -> str:
    answer = endpoint.response
    parts = {"status": str(answer.status), "model": answer.model, "media_type": answer.media_type}
    return "{" + ", ".join(f"{key}: {value}" for key, value in parts.items() if value) + "}"


def _calls(contract: Contract, service: str) -> Iterator[str]:
    own: list[Endpoint | Call] = [it for it in contract.endpoints if service in it.callers]
    for call in [*own, *(it for it in contract.calls if it.caller == service)]:
        yield f"  - service: {call.service}"
        yield f"    path: {call.path}"
        yield f"    method: {call.method}"


def _sockets(contract: Contract, service: str) -> Iterator[str]:
    for socket in contract.sockets:
        if socket.service == service:
            yield f"  - path: {socket.path}"
            yield f"    message: {socket.message}"


def _published(contract: Contract, service: str) -> Iterator[str]:
    for event in contract.events:
        if service in event.publishers:
            yield f"  - {{type: {event.type}, version: {event.version}, payload: {event.payload}}}"
    for stream in contract.streams:
        if stream.publisher == service:
            yield f"  - {{stream: {stream.name}, entry: {stream.entry}}}"


def _consumed(contract: Contract, service: str) -> Iterator[str]:
    for consumer in contract.consumers:
        if consumer.service == service:
            yield f"  - {{deliveries: {consumer.name}, delivered_by: {consumer.delivered_by}}}"
    for stream in contract.streams:
        if service in stream.consumers:
            yield f"  - {{stream: {stream.name}, entry: {stream.entry}}}"
