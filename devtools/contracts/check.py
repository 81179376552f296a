"""What ./dev contracts check looks at: the quick part, and what needs the services."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from devtools.contracts import code, compare, documents, generated, live, reading, rules, shapes
from devtools.contracts.documents import Documents
from devtools.contracts.findings import Finding
from devtools.contracts.reading import GENERATED, ContractFile

MEND = "run ./dev contracts sync and commit what it writes"


@dataclass(frozen=True)
class Tree:
    """A checkout of the repository at `root`; reading it raises Unreadable."""

    root: Path

    @cached_property
    def contracts(self) -> dict[str, ContractFile]:
        return reading.read_all(self.root)

    @cached_property
    def services(self) -> dict[str, str]:
        """The version of each service that has code."""
        return generated.services_with_code(self.root)

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions that ranges are resolved against."""
        return {rules.SHARED: generated.shared_version(self.root), **self.services}

    @cached_property
    def texts(self) -> Mapping[Path, str]:
        """Every generated file as it should be, by its path."""
        return generated.files(self.root, self.contracts)

    @cached_property
    def documents(self) -> Documents:
        return Documents.of(self.texts)


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
    outcome.wrong += code.broken(tree.root, tree.services, tree.contracts)
    if against:
        verdict = compare.verdict(documents.at(tree.root, against), tree.documents, tree.contracts)
        outcome.wrong += [*verdict.breaks, *verdict.versions]
        outcome.asked += verdict.additions
    if drifted and (there := documents.there(tree.root)):
        # What was never released may change: who is concerned is said, no version is asked for.
        verdict = compare.verdict(there, tree.documents, tree.contracts)
        outcome.wrong += [it for it in verdict.breaks if it not in outcome.wrong]
        if not against:
            outcome.wrong += verdict.versions
    return outcome


def contracts(tree: Tree) -> list[Finding]:
    """What is wrong with the contracts themselves."""
    try:
        return rules.broken(tree.contracts, tree.versions)
    except reading.Unreadable as unreadable:
        return unreadable.findings


def drift(tree: Tree) -> list[Finding]:
    """Generated files that no longer say what the contracts and models say."""
    return [
        *(
            Finding(path, None, f"differs from the contracts and models: {MEND}")
            for path in generated.drifted(tree.root, tree.texts)
        ),
        *(
            Finding(path, None, f"no contract asks for it any more: {MEND}")
            for path in generated.left_over(tree.root, tree.texts)
        ),
    ]


async def of_services(tree: Tree) -> list[Finding]:
    """Where the code has other features than the contracts, or a real app another document."""
    found = await live.documents(tree.root, tree.services)
    return [
        *code.folders(tree.root, tree.services, tree.contracts),
        *(
            finding
            for service, document in found.items()
            for finding in differences(tree, service, document, Path(service) / "main.py")
        ),
    ]


def differences(
    tree: Tree, service: str, document: shapes.Schema, place: Path | str
) -> Iterator[Finding]:
    """Where `document`, which `service` really answers, differs from the contracts."""
    path = GENERATED / "openapi" / f"{service}.json"
    expected = shapes.operations(tree.documents.openapi[service])
    real = shapes.operations(document)
    for name in dict.fromkeys([*expected, *real]):
        if name not in real:
            yield Finding(place, None, f"{name} is missing: {path} has it, write its route")
        elif name not in expected:
            what = f"{name} is in no contract: add it to shared/contracts, or remove the route"
            yield Finding(place, None, what)
        else:
            for said in shapes.differences(expected[name], real[name]):
                what = f"{name}: {said}. Mend the route, or the contract and its document {path}"
                yield Finding(place, None, what)
