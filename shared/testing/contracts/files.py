"""The one reader of `shared/contracts/<feature>/feature.yaml`; it knows the line of each part."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.testing.contracts.schema import Contract
from shared.testing.yaml_source import Location, Mistake, Source

T = TypeVar("T")
FOLDER = Path("shared") / "contracts"
GENERATED = FOLDER / "generated"
REGISTRY = Path("shared") / "kit" / "contract_registry.json"
UNKNOWN_KEY = "extra_forbidden"


@dataclass(frozen=True)
class Finding:
    """A complaint about one line of one file, relative to the repository, or about an address."""

    path: Path | str
    line: int | None
    what: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.what}"


class Unreadable(Exception):
    """Some contracts are not as the schema says."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


@dataclass(frozen=True)
class ContractFile:
    """A valid contract and the file it stands in; `path` is relative to the repository."""

    path: Path
    text: str
    contract: Contract
    source: Source

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def each(self, *keys: str) -> Iterator[tuple[str, Location]]:
        """Each text that stands below `keys`, like `"endpoints", "response", "model"`."""
        return _each(self.contract, keys, ())

    def finding(self, what: str, *location: str | int) -> Finding:
        return Finding(self.path, self.source.line(*location), what)


def each_in(
    files: Mapping[str, ContractFile], part: Callable[[Contract], list[T]]
) -> Iterator[tuple[ContractFile, int, T]]:
    """Each item of one list of every contract, such as its endpoints, with file and index."""
    for file in files.values():
        for at, item in enumerate(part(file.contract)):
            yield file, at, item


@cache
def read(path: Path, text: str) -> ContractFile:
    """The contract that `text` is; Unreadable with every mistake otherwise.

    A file that has not changed is read once for all revisions and copies of the repository.
    """
    try:
        source = Source(text)
    except Mistake as mistake:
        raise Unreadable([Finding(path, mistake.line, mistake.what)]) from None
    try:
        contract = Contract.model_validate(source.value)
    except ValidationError as error:
        mistakes = sorted(error.errors(), key=lambda it: it["type"] != UNKNOWN_KEY)
        raise Unreadable([_finding(path, source, it) for it in mistakes]) from None
    return ContractFile(path, text, contract, source)


def read_all(root: Path) -> dict[str, ContractFile]:
    """Every contract below `root` by name; Unreadable with the mistakes of all."""
    found: dict[str, ContractFile] = {}
    mistakes: list[Finding] = []
    for path in sorted((root / FOLDER).glob("*/feature.yaml")):
        relative = path.relative_to(root)
        try:
            file = read(relative, path.read_text())
        except Unreadable as unreadable:
            mistakes += unreadable.findings
            continue
        if file.contract.name != path.parent.name:
            what = f"name: {file.contract.name} stands in the folder {path.parent.name}"
            mistakes.append(file.finding(f"{what}; both are the feature's name", "name"))
        found[file.contract.name] = file
    if mistakes:
        raise Unreadable(mistakes)
    return found


def _each(value: object, keys: tuple[str, ...], at: Location) -> Iterator[tuple[str, Location]]:
    match value:
        case list():
            for number, item in enumerate(value):
                yield from _each(item, keys, (*at, number))
        case dict():
            for name, item in value.items():
                yield from _each(item, keys, (*at, name))
        case BaseModel():
            yield from _each(getattr(value, keys[0]), keys[1:], (*at, keys[0]))
        case str():
            yield value, at


def _finding(path: Path, source: Source, mistake: ErrorDetails) -> Finding:
    location: Location = tuple(part for part in mistake["loc"] if part != "[key]")
    message = mistake["msg"].removeprefix("Value error, ").replace("Field required", "is missing")
    given = mistake["input"]
    if mistake["type"] == UNKNOWN_KEY:
        message = "unknown key, shared/testing/contracts/schema.py lists those that there are"
    elif isinstance(given, str | int | float):
        message = f"{message}, not {given!r}"
    return Finding(path, source.line(*location), f"{_written(location)}: {message}")


def _written(location: Location) -> str:
    text = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in location)
    return text.removeprefix(".") or "the contract"
