"""The fronts in contracts: which features they have pages for, and which public API they call.

A front is no caller in the sense of a contract, because it calls through the gateway as the user
whose browser asks. What it calls is a public endpoint of a service that it depends on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from devtools.workspace.repository import front_folders, package_json, written_files
from shared.testing.contracts.files import ContractFile, Finding, each_in
from shared.testing.contracts.schema import Contract, Endpoint

PREFIX = "front-"
KIT = "front-kit"
PATH = re.compile(r"""["'`](/[^"'`\s?]*)""")

Files = Mapping[str, ContractFile]


def is_front(service: str) -> bool:
    """Whether the name is that of a front."""
    return service.startswith(PREFIX)


def with_code(root: Path) -> dict[str, str]:
    """The version of each front, from its package.json."""
    return {it.name: str(package_json(it)["version"]) for it in front_folders(root)}


def public_paths(contract: Contract, service: str | None = None) -> set[str]:
    """The paths that people reach in this contract, of one service or of all."""
    endpoints = {it.path for it in _public(contract) if service in {None, it.service}}
    sockets = {it.path for it in contract.sockets if service in {None, it.service}}
    return endpoints | sockets


def offering(contract: Contract) -> set[str]:
    """The services with a public endpoint or a socket in this contract."""
    return {it.service for it in _public(contract)} | {it.service for it in contract.sockets}


def dependencies(files: Files) -> Iterator[Finding]:
    """A front depends on the services whose public endpoints it calls in this contract."""
    for file in files.values():
        contract = file.contract
        offered = offering(contract)
        for at, front in enumerate(contract.participants):
            if is_front(front) and offered and not offered & contract.ranges_of(front).keys():
                one = " or ".join(sorted(offered))
                what = f"{front} takes part without depending on {one}: add the one that it calls"
                yield file.finding(f"{what} to its dependencies", "services", at)


def calls(root: Path, fronts: Iterable[str], files: Files) -> Iterator[Finding]:
    """A front calls what its contracts offer: nothing of another contract, and something of each.

    A call is recognised by its path, which stands in the code as the contract writes it. Calls of
    the kit count for the fronts that take part, and ask nothing of the others.
    """
    owners: dict[str, list[ContractFile]] = {}
    for file in files.values():
        for path in public_paths(file.contract):
            owners.setdefault(path, []).append(file)
    of_kit = {path for source in code_in(root / KIT) for path, _ in _paths(source)}
    for front in fronts:
        called = set(of_kit)
        for source in code_in(root / front):
            for path, line in _paths(source):
                offers = owners.get(path, [])
                called.add(path)
                if offers and not any(front in it.contract.participants for it in offers):
                    contract = offers[0].contract.name
                    what = f"{path} is of the contract {contract}, in which {front} takes no part"
                    place = source.relative_to(root)
                    yield Finding(place, line, f"{what}: add it to its services")
        for file, at, it in each_in(files, lambda it: it.services):
            offered = public_paths(file.contract)
            if it.name == front and offered and not offered & called:
                what = f"{front} takes part, and calls nothing of this contract: remove it"
                yield file.finding(what, "services", at)


def _public(contract: Contract) -> Iterator[Endpoint]:
    return (it for it in contract.endpoints if it.scope is None)


def code_in(folder: Path) -> Iterator[Path]:
    """The TypeScript files below `folder`, tests left out."""
    for path in written_files(folder, ".ts", ".tsx"):
        if ".test." not in path.name and "tests" not in path.relative_to(folder).parts:
            yield path


def _paths(source: Path) -> Iterator[tuple[str, int]]:
    """What looks like a path in the code, with its line."""
    for number, line in enumerate(source.read_text().splitlines(), start=1):
        for match in PATH.finditer(line):
            yield match[1], number
