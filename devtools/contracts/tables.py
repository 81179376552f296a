"""The tables that running services look things up in, made from the contracts."""

import hashlib
import json
from pathlib import Path
from typing import Literal, TypedDict

import yaml


class _Response(TypedDict, total=False):
    status: int
    model: str
    media_type: str


class _Endpoint(TypedDict, total=False):
    service: str
    method: str
    path: str
    scope: str
    callers: list[str]
    response: _Response


class _Event(TypedDict):
    type: str
    consumers: list[str]


class Contract(TypedDict, total=False):
    """The part of a contract that the tables are made of."""

    name: str
    version: str
    type: Literal["cross-service", "internal"]
    endpoints: list[_Endpoint]
    events: list[_Event]


def read_contracts(root: Path) -> dict[str, tuple[Contract, str]]:
    """Each contract by name, with the SHA-256 of its file."""
    found: dict[str, tuple[Contract, str]] = {}
    for path in sorted((root / "shared" / "contracts").glob("*/feature.yaml")):
        text = path.read_bytes()
        contract: Contract = yaml.safe_load(text)
        found[contract["name"]] = (contract, hashlib.sha256(text).hexdigest())
    return found


def render_tables(root: Path) -> str:
    """The text of `shared/contracts/tables.json`: the same contracts give the same text."""
    contracts = read_contracts(root)
    endpoints = [
        {
            "service": endpoint["service"],
            "method": endpoint["method"],
            "path": endpoint["path"],
            "scope": endpoint.get("scope"),
            "callers": sorted(endpoint.get("callers", [])),
        }
        for contract, _ in contracts.values()
        for endpoint in contract.get("endpoints", [])
    ]
    routing = {
        event["type"]: event["consumers"]
        for contract, _ in contracts.values()
        for event in contract.get("events", [])
    }
    digests = "".join(digest for _, digest in contracts.values())
    document = {
        "digest": hashlib.sha256(digests.encode()).hexdigest(),
        "contracts": {
            name: {"version": contract["version"], "digest": digest}
            for name, (contract, digest) in contracts.items()
        },
        "endpoints": sorted(endpoints, key=lambda row: (row["service"], row["path"], row["method"])),
        "routing": dict(sorted(routing.items())),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def tables_path(root: Path) -> Path:
    """Where the tables stand."""
    return root / "shared" / "contracts" / "tables.json"
