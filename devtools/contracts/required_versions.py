"""Which versions a change asks for, and what is left to mend until they say so."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pydantic import BaseModel

import shared.models
from devtools.contracts import fronts
from devtools.contracts.consistency import SHARED
from devtools.contracts.document_changes import PEOPLE, Change, Use, uses
from devtools.contracts.revisions import Documents
from shared.testing.contracts.files import FOLDER, ContractFile, Finding
from shared.testing.contracts.models import source_of

PYPROJECT = Path("pyproject.toml")

Models = Mapping[str, type[BaseModel]]


@dataclass(frozen=True)
class Verdict:
    """`breaks` names who breaks, `versions` what must say so; `additions` only ask and pass."""

    breaks: list[Finding]
    versions: list[Finding]
    additions: list[Finding]


def verdict(old: Documents, new: Documents, files: Mapping[str, ContractFile]) -> Verdict:
    """Compare two moments; `files` are the contracts of the new one."""
    found: dict[Change, list[Use]] = {}
    for use in uses(old, new, files):
        found.setdefault(use.change, []).append(use)
    versions = _Versions(old, new, files)
    models = _models()
    breaks: list[Finding] = []
    steps: dict[Finding, None] = {}
    for change, met in found.items():
        if change.breaks and (wanted := list(versions.wanted(met, change.model in models))):
            breaks.append(_said(change, met, models, files))
            steps |= dict.fromkeys(wanted)
    due = {step.path for step in steps}
    additions = [it for it in _additions(found, versions) if it.path not in due]
    return Verdict(breaks, list(steps), additions)


class _Versions:
    """The versions of two moments, and which of them a breaking change still misses."""

    def __init__(self, old: Documents, new: Documents, files: Mapping[str, ContractFile]) -> None:
        self._old = old
        self._new = new
        self.files = files
        self._shared_raised = _newer(old.shared, new.shared, parts=1)

    def raised(self, contract: str, *, parts: int) -> bool:
        """Whether the contract is new, or has another major (1) or minor (2) version."""
        before, after = self._old.contracts.get(contract), self._new.contracts.get(contract)
        return before is None or (after is not None and _newer(before, after, parts=parts))

    def wanted(self, met: list[Use], in_shared: bool) -> Iterator[Finding]:  # noqa: FBT001 - a fact
        contracts = sorted({it.contract for it in met})
        for name in contracts:
            file = self.files.get(name)
            if file and not self.raised(name, parts=1):
                version = _next_major(self._old.contracts[name])
                what = f"version {version} is due: consumers break"
                yield file.finding(what, "version")
            if file and in_shared:
                yield from self._ranges(file)
        gone = any(name not in self.files for name in contracts)
        if (in_shared or gone) and not self._shared_raised:
            version = _next_major(self._old.shared)
            yield Finding(PYPROJECT, None, f"shared {version} is due: consumers break")

    def _ranges(self, file: ContractFile) -> Iterator[Finding]:
        """Ranges that would still take the shared of before, as one finding."""
        due = self._new.shared if self._shared_raised else _next_major(self._old.shared)
        still = [
            service
            for service in file.contract.participants
            if (text := file.contract.ranges_of(service).get(SHARED))
            and SpecifierSet(text).contains(self._old.shared)
        ]
        if still:
            what = f'shared: ">={due}" is due for {", ".join(still)}: now they take '
            yield file.finding(f"{what}{self._old.shared} too", "dependencies")


def _said(
    change: Change, met: list[Use], models: Models, files: Mapping[str, ContractFile]
) -> Finding:
    if kind := models.get(change.model):
        place: tuple[Path, int | None] = source_of(kind)
    else:
        found = (files[it.contract].path for it in met if it.contract in files)
        place = next(found, FOLDER), None
    lines: dict[str, list[str]] = {}
    for use in met:
        for consumer in _named(use, files):
            lines.setdefault(consumer, []).append(f"{use.where} ({use.contract})")
    breaks = "".join(
        f"\n  breaks {consumer}: {', '.join(dict.fromkeys(where))}"
        for consumer, where in sorted(lines.items())
    )
    return Finding(*place, f"{change.place} {change.what}{breaks}")


def _named(use: Use, files: Mapping[str, ContractFile]) -> tuple[str, ...]:
    """Who uses it, with the fronts that are meant where browsers do."""
    file = files.get(use.contract)
    if PEOPLE not in use.consumers or file is None:
        return use.consumers
    return (*use.consumers, *filter(fronts.is_front, file.contract.participants))


def _additions(found: Mapping[Change, list[Use]], versions: _Versions) -> Iterator[Finding]:
    sentences: dict[str, list[str]] = {}
    for change, met in found.items():
        if not change.breaks:
            for contract in dict.fromkeys(it.contract for it in met):
                sentences.setdefault(contract, []).append(f"{change.place} {change.what}")
    for contract, said in sorted(sentences.items()):
        file = versions.files.get(contract)
        if file and not versions.raised(contract, parts=2):
            current = Version(file.contract.version)
            version = f"{current.major}.{current.minor + 1}.0"
            what = f"additions ask for version {version}: {', '.join(said)}"
            yield file.finding(what, "version")


def _models() -> Models:
    """Each model by the name that documents use."""
    modules = [it.name for it in pkgutil.iter_modules(shared.models.__path__, "shared.models.")]
    return {
        kind.__name__: kind
        for module in modules
        for kind in vars(importlib.import_module(module)).values()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__module__ in modules
    }


def _newer(old: str, new: str, *, parts: int) -> bool:
    return Version(new).release[:parts] > Version(old).release[:parts]


def _next_major(version: str) -> str:
    return f"{Version(version).major + 1}.0.0"
