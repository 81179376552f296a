"""Every file that is written from the contracts, and where it stands."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from devtools.contracts import fronts, public_api, slices, stub_routes
from devtools.contracts.asyncapi_document import Document
from devtools.contracts.json_text import json_text
from devtools.workspace.repository import pyproject, workspace_folders
from shared.testing.contracts.files import GENERATED, REGISTRY, ContractFile

SLICE = "features/*/feature.yaml"
MEND = "run ./dev contracts sync and commit what it writes"
STALE = f"differs from the contracts and models: {MEND}"


@dataclass(frozen=True)
class Changes:
    """What sync did: paths relative to the repository."""

    written: list[Path]
    removed: list[Path]


def services_with_code(root: Path) -> dict[str, str]:
    """The version of each service that has code, from its pyproject.toml."""
    return {
        folder.name: version_in(folder)
        for folder in workspace_folders(root)
        if (folder / "main.py").exists() and (folder / "features").exists()
    }


def version_in(folder: Path) -> str:
    """The version in a pyproject.toml; that of `shared` stands in the root's."""
    return str(pyproject(folder)["project"]["version"])


def files(root: Path, contracts: Mapping[str, ContractFile]) -> dict[Path, str]:
    """The text of every generated file by its path, relative to the repository."""
    versions, pages = services_with_code(root), fronts.with_code(root)
    plain = [file.contract for file in contracts.values()]
    found = {
        REGISTRY: registry(contracts),
        public_api.DOCS: public_api.document_for_docs(contracts, version_in(root)),
        GENERATED / "asyncapi.json": Document(contracts.values()).render(version_in(root)),
    }
    serving = {it.service for contract in plain for it in contract.endpoints}
    for service in sorted({*versions, *serving}):
        document = stub_routes.service(service, versions.get(service, "0.0.0"), plain).openapi()
        found[GENERATED / "openapi" / f"{service}.json"] = json_text(document)
    for file in contracts.values():
        for service in file.contract.participants:
            if service in versions or service in pages:
                found[slice_path(service, file.contract.name)] = slices.render(file, service)
    return found


def registry(contracts: Mapping[str, ContractFile]) -> str:
    """What running services look things up in: `shared/kit/contract_registry.json`."""
    plain = [file.contract for file in contracts.values()]
    endpoints = [
        it.model_dump(include={"service", "method", "path", "scope", "priority", "held_open"})
        | {"callers": sorted(it.callers)}
        for contract in plain
        for it in contract.endpoints
    ]
    routing = {event.type: event.consumers for contract in plain for event in contract.events}
    document = {
        "digest": digest(contracts),
        "contracts": {
            name: {"version": file.contract.version, "digest": file.digest}
            for name, file in contracts.items()
        },
        "endpoints": sorted(endpoints, key=itemgetter("service", "path", "method")),
        "routing": dict(sorted(routing.items())),
    }
    return json_text(document)


def digest(contracts: Mapping[str, ContractFile]) -> str:
    """One SHA-256 for all contracts: `/health` of every service tells it."""
    digests = "".join(file.digest for file in contracts.values())
    return hashlib.sha256(digests.encode()).hexdigest()


def slice_path(service: str, feature: str) -> Path:
    if fronts.is_front(service):
        return Path(service) / "app" / "features" / feature / "feature.yaml"
    return Path(service) / "features" / feature.replace("-", "_") / "feature.yaml"


def left_over(root: Path, wanted: Mapping[Path, str]) -> Iterator[Path]:
    """Generated files that no contract asks for any more."""
    there = [path for path in (root / GENERATED).rglob("*") if path.is_file()]
    for service in services_with_code(root):
        there += (path for path in (root / service).glob(SLICE) if _is_slice(path))
    for front in fronts.with_code(root):
        there += (path for path in (root / front / "app").glob(SLICE) if _is_slice(path))
    for path in sorted(there):
        if path.relative_to(root) not in wanted and path.name != "types.ts":
            yield path.relative_to(root)


def drifted(root: Path, wanted: Mapping[Path, str]) -> Iterator[Path]:
    """Generated files that are missing or say something else."""
    for path, text in sorted(wanted.items()):
        if not (root / path).exists() or (root / path).read_text() != text:
            yield path


def sync(root: Path, wanted: Mapping[Path, str]) -> Changes:
    """Write what drifted and remove what is left over; nothing else is touched."""
    written, removed = list(drifted(root, wanted)), list(left_over(root, wanted))
    for path in written:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(wanted[path])
    for path in removed:
        (root / path).unlink()
        if not any((root / path).parent.iterdir()):
            (root / path).parent.rmdir()
    return Changes(written, removed)


def _is_slice(path: Path) -> bool:
    return re.search(r"^contract: sha256:", path.read_text(), re.MULTILINE) is not None
