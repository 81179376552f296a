"""Every file that is written from the contracts, and where it stands."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.contracts import registry_file, slices, stub_routes
from devtools.contracts.asyncapi_document import Document
from shared.testing.contracts.files import GENERATED, REGISTRY, ContractFile

SLICE = "features/*/feature.yaml"


@dataclass(frozen=True)
class Changes:
    """What sync did: paths relative to the repository."""

    written: list[Path]
    removed: list[Path]


def services_with_code(root: Path) -> dict[str, str]:
    """The version of each service that has code, from its pyproject.toml."""
    workspace = _pyproject(root)["tool"]["uv"]["workspace"]["members"]
    folders = [root / name for name in workspace]
    return {
        folder.name: str(_pyproject(folder)["project"]["version"])
        for folder in folders
        if (folder / "main.py").exists() and (folder / "features").exists()
    }


def shared_version(root: Path) -> str:
    """The version of `shared`, which stands in the root's pyproject.toml."""
    return str(_pyproject(root)["project"]["version"])


def files(root: Path, contracts: Mapping[str, ContractFile]) -> dict[Path, str]:
    """The text of every generated file by its path, relative to the repository."""
    versions = services_with_code(root)
    plain = [file.contract for file in contracts.values()]
    found = {
        REGISTRY: registry_file.render(contracts),
        GENERATED / "asyncapi.json": Document(contracts.values()).render(shared_version(root)),
    }
    serving = {it.service for contract in plain for it in contract.endpoints}
    for service in sorted({*versions, *serving}):
        document = stub_routes.service(service, versions.get(service, "0.0.0"), plain).openapi()
        text = json.dumps(document, indent=2, ensure_ascii=False)
        found[GENERATED / "openapi" / f"{service}.json"] = text + "\n"
    for file in contracts.values():
        for service in file.contract.participants:
            if service in versions:
                found[slice_path(service, file.contract.name)] = slices.render(file, service)
    return found


def slice_path(service: str, feature: str) -> Path:
    return Path(service) / "features" / feature.replace("-", "_") / "feature.yaml"


def left_over(root: Path, wanted: Mapping[Path, str]) -> Iterator[Path]:
    """Generated files that no contract asks for any more."""
    there = [path for path in (root / GENERATED).rglob("*") if path.is_file()]
    for service in services_with_code(root):
        there += (path for path in (root / service).glob(SLICE) if _is_slice(path))
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


def _pyproject(folder: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 - TOML, read above
    return tomllib.loads((folder / "pyproject.toml").read_text())
