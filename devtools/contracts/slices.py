"""The part of a contract that one service keeps beside its code, in the guide's form."""

import yaml

from devtools.contracts import fronts
from shared.testing.contracts.files import ContractFile
from shared.testing.contracts.schema import Endpoint, Operation

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def render(file: ContractFile, service: str) -> str:
    """`<service>/features/<feature>/feature.yaml`."""
    contract = file.contract
    calls: list[Operation] = [it for it in contract.endpoints if service in it.callers]
    calls += [it for it in contract.calls if it.caller == service]
    if fronts.is_front(service):
        needed = contract.ranges_of(service)
        calls += [it for it in contract.endpoints if it.scope is None and it.service in needed]
    slice_ = {
        "name": contract.name,
        "version": contract.version,
        "service": service,
        "contract": f"sha256:{file.digest}",
        "flag": contract.flag,
        "provides": next(it.provides for it in contract.services if it.name == service),
        "dependencies": [
            {"service": name, "version": text} for name, text in contract.ranges_of(service).items()
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
            *(
                {"stream": it.name, "entry": it.entry}
                for it in contract.streams
                if it.publisher == service
            ),
        ],
        "consumes": [
            *(
                {"deliveries": it.name, "delivered_by": it.delivered_by}
                for it in contract.consumers
                if it.service == service
            ),
            *(
                {"stream": it.name, "entry": it.entry}
                for it in contract.streams
                if service in it.consumers
            ),
        ],
    }
    said = {key: value for key, value in slice_.items() if value}
    text = yaml.dump(said, Dumper=DUMPER, sort_keys=False, default_flow_style=None, width=100)
    return f"# The part of {service} in {file.path.as_posix()}, by ./dev contracts sync.\n{text}"


def _endpoint(endpoint: Endpoint) -> dict[str, object]:
    said = {
        "path": endpoint.path,
        "method": endpoint.method,
        # A service's endpoint that other services call needs their identity, which is a scope.
        "auth_required": endpoint.auth_required is not False,
        "permission": endpoint.permission,
        "scope": endpoint.scope,
        "callers": endpoint.callers,
        "request": endpoint.request,
        "response": endpoint.response.model_dump(exclude_none=True),
        "errors": endpoint.errors,
        "idempotency_key": endpoint.idempotency_key or None,
    }
    return {key: value for key, value in said.items() if value or value is False}
