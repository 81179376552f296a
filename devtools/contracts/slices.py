"""The part of a contract that one service keeps beside its code, in the guide's form."""

from collections.abc import Mapping

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
    for name, items in _lists(contract, service).items():
        one_line_each = name in {"publishes", "consumes"}
        said = [_flow(it) if one_line_each else _block(it) for it in items]
        lines += ["", f"{name}:", *(f"  - {it}" for it in said)] if said else []
    return "\n".join([*lines, ""])


def _lists(contract: Contract, service: str) -> dict[str, list[Values]]:
    calls: list[Endpoint | Call] = [it for it in contract.endpoints if service in it.callers]
    calls += [it for it in contract.calls if it.caller == service]
    sent = [it for it in contract.streams if it.publisher == service]
    read = [it for it in contract.streams if service in it.consumers]
    return {
        "dependencies": [
            {"service": name, "version": f'"{text}"'}
            for name, text in contract.ranges_of(service).items()
        ],
        "endpoints": [_endpoint(it) for it in contract.endpoints if it.service == service],
        "calls": [{"service": it.service, "path": it.path, "method": it.method} for it in calls],
        "sockets": [
            {"path": it.path, "message": it.message}
            for it in contract.sockets
            if it.service == service
        ],
        "publishes": [
            *(
                {"type": it.type, "version": it.version, "payload": it.payload}
                for it in contract.events
                if service in it.publishers
            ),
            *({"stream": it.name, "entry": it.entry} for it in sent),
        ],
        "consumes": [
            *(
                {"deliveries": it.name, "delivered_by": it.delivered_by}
                for it in contract.consumers
                if it.service == service
            ),
            *({"stream": it.name, "entry": it.entry} for it in read),
        ],
    }


def _endpoint(endpoint: Endpoint) -> Values:
    return {
        "path": endpoint.path,
        "method": endpoint.method,
        # A service's endpoint that other services call needs their identity, which is a scope.
        "auth_required": "false" if endpoint.auth_required is False else "true",
        "permission": endpoint.permission,
        "scope": endpoint.scope,
        "callers": endpoint.callers,
        "request": endpoint.request,
        "response": endpoint.response.model_dump(),
        "errors": endpoint.errors,
    }


def _block(values: Values) -> str:
    return "\n    ".join(f"{key}: {_flow(value)}" for key, value in values.items() if value)


def _flow(value: object) -> str:
    """`value` on one line of YAML; what an object has not is left out."""
    match value:
        case Mapping():
            said = (f"{key}: {_flow(it)}" for key, it in value.items() if it is not None)
            return f"{{{', '.join(said)}}}"
        case list():
            return f"[{', '.join(map(str, value))}]"
    return str(value)
