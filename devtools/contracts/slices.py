"""The part of a contract that one service keeps beside its code, in the guide's form."""

from collections.abc import Iterator, Mapping

from shared.testing.contracts.files import ContractFile
from shared.testing.contracts.schema import Call, Contract, Endpoint

Values = Mapping[str, object]


def render(file: ContractFile, service: str) -> str:
    """`<service>/features/<feature>/feature.yaml`."""
    contract = file.contract
    head = {
        "name": contract.name,
        "version": contract.version,
        "service": service,
        "contract": f"sha256:{file.digest}",
        "flag": contract.flag,
        "provides": next(it.provides for it in contract.services if it.name == service),
    }
    lines = [f"# The part of {service} in {file.path.as_posix()}, by ./dev contracts sync."]
    lines += [f"{key}: {_flow(value)}" for key, value in head.items() if value is not None]
    for name, part in (
        ("dependencies", _dependencies),
        ("endpoints", _endpoints),
        ("calls", _calls),
        ("sockets", _sockets),
    ):
        lines += _section(name, (_item(values) for values in part(contract, service)))
    for name, part in (("publishes", _published), ("consumes", _consumed)):
        lines += _section(name, (f"  - {_flow(values)}" for values in part(contract, service)))
    return "\n".join([*lines, ""])


def _section(name: str, items: Iterator[str]) -> list[str]:
    found = list(items)
    return ["", f"{name}:", *found] if found else []


def _item(values: Values) -> str:
    said = [
        f"{key}: {_flow(value)}" for key, value in values.items() if value not in (None, [], {})
    ]
    return "  - " + "\n    ".join(said)


def _flow(value: object) -> str:
    """`value` on one line of YAML; what an object has not is left out."""
    match value:
        case bool():
            return str(value).lower()
        case Mapping():
            said = [f"{key}: {_flow(it)}" for key, it in value.items() if it is not None]
            return f"{{{', '.join(said)}}}"
        case list():
            return f"[{', '.join(map(str, value))}]"
    return str(value)


def _dependencies(contract: Contract, service: str) -> Iterator[Values]:
    for name, text in contract.ranges_of(service).items():
        yield {"service": name, "version": f'"{text}"'}


def _endpoints(contract: Contract, service: str) -> Iterator[Values]:
    for endpoint in contract.endpoints:
        if endpoint.service == service:
            yield {
                "path": endpoint.path,
                "method": endpoint.method,
                # A service's endpoint that other services call needs their identity: a scope.
                "auth_required": endpoint.auth_required is not False,
                "permission": endpoint.permission,
                "scope": endpoint.scope,
                "callers": endpoint.callers,
                "request": endpoint.request,
                "response": endpoint.response.model_dump(),
                "errors": endpoint.errors,
            }


def _calls(contract: Contract, service: str) -> Iterator[Values]:
    own: list[Endpoint | Call] = [it for it in contract.endpoints if service in it.callers]
    for call in [*own, *(it for it in contract.calls if it.caller == service)]:
        yield {"service": call.service, "path": call.path, "method": call.method}


def _sockets(contract: Contract, service: str) -> Iterator[Values]:
    for socket in contract.sockets:
        if socket.service == service:
            yield {"path": socket.path, "message": socket.message}


def _published(contract: Contract, service: str) -> Iterator[Values]:
    for event in contract.events:
        if service in event.publishers:
            yield {"type": event.type, "version": event.version, "payload": event.payload}
    for stream in contract.streams:
        if stream.publisher == service:
            yield {"stream": stream.name, "entry": stream.entry}


def _consumed(contract: Contract, service: str) -> Iterator[Values]:
    for consumer in contract.consumers:
        if consumer.service == service:
            yield {"deliveries": consumer.name, "delivered_by": consumer.delivered_by}
    for stream in contract.streams:
        if service in stream.consumers:
            yield {"stream": stream.name, "entry": stream.entry}
