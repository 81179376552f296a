"""The tables that running services look things up in, made from the contracts."""

import hashlib
import json
from collections.abc import Mapping

from shared.testing.contracts.files import ContractFile


def render(files: Mapping[str, ContractFile]) -> str:
    """The text of `shared/kit/contract_registry.json`: the same contracts give the same text."""
    contracts = [file.contract for file in files.values()]
    endpoints = [
        {
            "service": endpoint.service,
            "method": endpoint.method,
            "path": endpoint.path,
            "scope": endpoint.scope,
            "callers": sorted(endpoint.callers),
        }
        for contract in contracts
        for endpoint in contract.endpoints
    ]
    routing = {event.type: event.consumers for contract in contracts for event in contract.events}
    document = {
        "digest": digest(files),
        "contracts": {
            name: {"version": file.contract.version, "digest": file.digest}
            for name, file in files.items()
        },
        "endpoints": sorted(
            endpoints, key=lambda row: (row["service"], row["path"], row["method"])
        ),
        "routing": dict(sorted(routing.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def digest(files: Mapping[str, ContractFile]) -> str:
    """One SHA-256 for all contracts: `/health` of every service tells it."""
    return hashlib.sha256("".join(file.digest for file in files.values()).encode()).hexdigest()
