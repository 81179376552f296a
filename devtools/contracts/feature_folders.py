"""Code by feature: one folder for each contract that a service takes part in, and no other."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from devtools.contracts import fronts
from devtools.contracts.generated_files import slice_path
from shared.testing.contracts.files import ContractFile, Finding


def broken(
    root: Path, services: Iterable[str], files: Mapping[str, ContractFile]
) -> Iterator[Finding]:
    """Folders without a contract, and contracts without code, of services and fronts.

    A service in Python that has no `features/__init__.py` keeps only slices there.
    """
    for service in services:
        there = {path.relative_to(root) for path in _folders_with_code(root / service)}
        if not there and not fronts.is_front(service):
            continue
        wanted = {
            slice_path(service, name).parent: file
            for name, file in files.items()
            if service in file.contract.participants
        }
        for folder in sorted(there - wanted.keys()):
            name = folder.name.replace("_", "-")
            what = f"no contract {name} has {service} among its services: add it there, "
            yield Finding(folder, None, f"{what}or move the code to the feature it belongs to")
        for folder in sorted(wanted.keys() - there):
            at = wanted[folder].contract.participants.index(service)
            what = f"{service} takes part, but {folder}/ holds no code: write it there, or "
            what += f"take {service} out of services"
            yield wanted[folder].finding(what, "services", at)


def _folders_with_code(service: Path) -> Iterator[Path]:
    if fronts.is_front(service.name):
        pages = (service / "app" / "features").glob("*/")
        yield from (folder for folder in pages if any(fronts.code_in(folder)))
    elif (service / "features" / "__init__.py").exists():
        yield from (path.parent for path in (service / "features").glob("*/__init__.py"))
