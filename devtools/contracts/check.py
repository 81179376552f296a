"""What ./dev contracts check looks at: the quick part, and what needs the services; and diff."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import cached_property
from pathlib import Path

from devtools.contracts import (
    app_documents,
    consistency,
    document_shapes,
    events_in_code,
    feature_folders,
    fronts,
    generated_files,
    node_tools,
    numbers_in_code,
    public_api,
    required_versions,
    revisions,
    slices,
    unused_grants,
)
from devtools.contracts.revisions import Documents
from devtools.workspace.errors import DevError
from devtools.workspace.processes import all_of
from shared.testing.contracts import files
from shared.testing.contracts.files import GENERATED, ContractFile, Finding


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
    def fronts(self) -> dict[str, str]:
        """The version of each front."""
        return fronts.with_code(self.root)

    @cached_property
    def texts(self) -> Mapping[Path, str]:
        """Every generated file as it should be, by its path."""
        return generated_files.files(self.root, self.contracts)

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
        versions = {consistency.SHARED: generated_files.version_in(tree.root), **tree.services}
        kong = (tree.root / "back-gateway" / "kong.yml").read_text()
        open_ = consistency.not_open(tree.contracts, kong)
        shed = consistency.critical(tree.contracts, kong)
        return [*consistency.broken(tree.contracts, versions), *open_, *shed]
    except files.Unreadable as unreadable:
        return unreadable.findings


def drift(tree: Tree) -> list[Finding]:
    """Generated files that no longer say what the contracts and models say."""
    stale = generated_files.drifted(tree.root, tree.texts)
    left = generated_files.left_over(tree.root, tree.texts)
    gone = f"no contract asks for it any more: {generated_files.MEND}"
    return [
        *(Finding(it, None, generated_files.STALE) for it in stale),
        *(Finding(it, None, gone) for it in left),
    ]


async def of_programs(tree: Tree) -> list[Finding]:
    """What the services themselves and the tools of document formats find wrong."""
    public = public_api.document_for_types(tree.contracts)
    of_apps, of_documents = await all_of(
        of_services(tree), node_tools.complaints(tree.root, public)
    )
    return [*of_documents, *of_apps]


async def of_services(tree: Tree) -> list[Finding]:
    """Where the code has other features than the contracts, or a real app another document."""
    found = await app_documents.apps(tree.root, tree.services)
    settings = {service: app.settings for service, app in found.items()}
    return [
        *feature_folders.broken(tree.root, [*tree.services, *tree.fronts], tree.contracts),
        *fronts.calls(tree.root, tree.fronts, tree.contracts),
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


async def compared(tree: Tree, feature: str) -> list[str]:
    """A contract beside the slice and the real app of each service, line by line.

    Raises DevError for a feature that has no contract.
    """
    file = tree.contracts.get(feature)
    if file is None:
        known = ", ".join(tree.contracts)
        raise DevError(f"there is no contract {feature}; there are: {known}")
    here = [name for name in file.contract.participants if name in tree.services]
    serving = {it.service for it in file.contract.endpoints} & set(here)
    found = await app_documents.apps(tree.root, serving)
    own = tuple(f"{it.method} {it.path}{end}" for it in file.contract.endpoints for end in ": ")
    said = [f"{feature} {file.contract.version} ({file.path})"]
    for service in file.contract.participants:
        if service not in tree.services and service not in tree.fronts:
            said.append(f"{service}: has no code yet")
            continue
        differing = list(_slice(tree, file, service))
        if service in found:
            real = differences(tree, service, found[service].openapi, file.path)
            differing += [it.what for it in real if it.what.startswith(own)]
        said.append(f"{service}: {'differs' if differing else 'as agreed'}")
        said += [f"  {line}" for line in differing]
    return said


def _slice(tree: Tree, file: ContractFile, service: str) -> Iterator[str]:
    path = generated_files.slice_path(service, file.contract.name)
    if not (tree.root / path).exists():
        yield f"{path} is missing: run ./dev contracts sync"
        return
    yield from unified_diff(
        slices.render(file, service).splitlines(),
        (tree.root / path).read_text().splitlines(),
        fromfile=f"{path} by the contract",
        tofile=str(path),
        lineterm="",
        n=1,
    )
