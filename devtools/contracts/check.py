"""What ./dev contracts check looks at: the quick part, and what needs the services."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from devtools.contracts import (
    app_documents,
    consistency,
    document_shapes,
    events_in_code,
    generated_files,
    numbers_in_code,
    required_versions,
    revisions,
    typescript_types,
    unused_grants,
)
from devtools.contracts.node_tools import NodeTools
from devtools.contracts.revisions import Documents
from shared.testing.contracts import files
from shared.testing.contracts.files import GENERATED, ContractFile, Finding

MEND = "run ./dev contracts sync and commit what it writes"


@dataclass(frozen=True)
class Tree:
    """A checkout of the repository at `root`; reading it raises Unreadable."""

    root: Path

    @cached_property
    def contracts(self) -> dict[str, ContractFile]:
        return files.read_all(self.root)

    @cached_property
    def services(self) -> dict[str, str]:
        """The version of each service that has code."""
        return generated_files.services_with_code(self.root)

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions that ranges are resolved against."""
        return {consistency.SHARED: generated_files.version_in(self.root), **self.services}

    @cached_property
    def texts(self) -> Mapping[Path, str]:
        """Every generated file as it should be, by its path."""
        return generated_files.files(self.root, self.contracts)

    @cached_property
    def public_document(self) -> str:
        """The OpenAPI document of the public API, which `types.ts` is made from."""
        return typescript_types.public_document(self.contracts)

    @property
    def types_are_current(self) -> bool:
        return typescript_types.is_current(typescript_types.read(self.root), self.public_document)

    @cached_property
    def documents(self) -> Documents:
        contracts = {file.path: file.text for file in self.contracts.values()}
        return Documents.of({**contracts, **self.texts})


@dataclass
class Outcome:
    """What is wrong, and what is only asked for."""

    wrong: list[Finding] = field(default_factory=list)
    asked: list[Finding] = field(default_factory=list)


def static(tree: Tree, against: str | None) -> Outcome:
    """What needs no service: contracts, the events in the code, generated files, versions.

    `against` is the git revision that consumers were built on; None compares with none.
    """
    outcome = Outcome(contracts(tree))
    if outcome.wrong:
        return outcome
    drifted = drift(tree)
    outcome.wrong += drifted
    outcome.wrong += events_in_code.broken(tree.root, tree.services, tree.contracts)
    if against:
        verdict = required_versions.verdict(
            revisions.at(tree.root, against), tree.documents, tree.contracts
        )
        outcome.wrong += [*verdict.breaks, *verdict.versions]
        outcome.asked += verdict.additions
    if drifted and (there := revisions.there(tree.root)):
        # What was never released may change: who is concerned is said, no version is asked for.
        verdict = required_versions.verdict(there, tree.documents, tree.contracts)
        outcome.wrong += [it for it in verdict.breaks if it not in outcome.wrong]
        if not against:
            outcome.wrong += verdict.versions
    return outcome


def contracts(tree: Tree) -> list[Finding]:
    """What is wrong with the contracts themselves."""
    try:
        return consistency.broken(tree.contracts, tree.versions)
    except files.Unreadable as unreadable:
        return unreadable.findings


def drift(tree: Tree) -> list[Finding]:
    """Generated files that no longer say what the contracts and models say."""
    types = [] if tree.types_are_current else [typescript_types.TYPES]
    stale = [*generated_files.drifted(tree.root, tree.texts), *types]
    left = generated_files.left_over(tree.root, tree.texts)
    return [
        *(Finding(it, None, f"differs from the contracts and models: {MEND}") for it in stale),
        *(Finding(it, None, f"no contract asks for it any more: {MEND}") for it in left),
    ]


async def of_programs(tree: Tree) -> list[Finding]:
    """What the services themselves and the tools of document formats find wrong."""
    services = asyncio.create_task(of_services(tree))
    tools = await NodeTools.installed()
    return [*await tools.complaints(tree.root), *await services]


async def of_services(tree: Tree) -> list[Finding]:
    """Where the code has other features than the contracts, or a real app another document."""
    found = await app_documents.apps(tree.root, tree.services)
    settings = {service: app.settings for service, app in found.items()}
    return [
        *events_in_code.folders(tree.root, tree.services, tree.contracts),
        *unused_grants.unused(tree.root, tree.services, tree.contracts),
        *numbers_in_code.differing(tree.root, tree.contracts, settings),
        *(
            finding
            for service, app in found.items()
            for finding in differences(tree, service, app.openapi, Path(service) / "main.py")
        ),
    ]


def differences(
    tree: Tree, service: str, document: document_shapes.Schema, place: Path | str
) -> Iterator[Finding]:
    """Where `document`, which `service` really answers, differs from the contracts."""
    path = GENERATED / "openapi" / f"{service}.json"
    expected = document_shapes.shapes(tree.documents.openapi[service])
    real = document_shapes.shapes(document)
    for name in dict.fromkeys([*expected, *real]):
        if name not in real:
            yield Finding(place, None, f"{name} is missing: {path} has it, write its route")
        elif name not in expected:
            what = f"{name} is in no contract: add it to shared/contracts, or remove the route"
            yield Finding(place, None, what)
        else:
            for said in document_shapes.differences(expected[name], real[name]):
                what = f"{name}: {said}. Mend the route, or the contract and its document {path}"
                yield Finding(place, None, what)
