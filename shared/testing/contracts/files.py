"""The one reader of `shared/contracts/<feature>/feature.yaml`; it knows the line of each part."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.testing.contracts.schema import Contract

FOLDER = Path("shared") / "contracts"
GENERATED = FOLDER / "generated"
REGISTRY = Path("shared") / "kit" / "contract_registry.json"

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader, by libyaml where PyYAML has it: ten times as fast."""

Location = tuple[str | int, ...]


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

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def _node(self) -> yaml.Node:
        return _composed(self.text)

    def line(self, *location: str | int) -> int:
        """The line of a part, or of the closest part around it."""
        return _line(self._node, location)

    def each(self, *keys: str) -> Iterator[tuple[str, Location]]:
        """Each text that stands below `keys`, like `"endpoints", "response", "model"`."""
        return _each(self.contract, keys, ())

    def finding(self, what: str, *location: str | int) -> Finding:
        return Finding(self.path, self.line(*location), what)


def read(path: Path, text: str) -> ContractFile:
    """The contract that `text` is; Unreadable with every mistake otherwise."""
    try:
        node = _composed(text)
        mistakes = _twice(node)
        value = yaml.load(text, LOADER)  # noqa: S506 - a safe one
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise Unreadable([Finding(path, line, f"is no YAML: {error.problem}")]) from None
    if mistakes:
        raise Unreadable([Finding(path, line, what) for line, what in mistakes])
    try:
        contract = Contract.model_validate(value)
    except ValidationError as error:
        raise Unreadable([_finding(path, node, mistake) for mistake in error.errors()]) from None
    return ContractFile(path, text, contract)


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


def _composed(text: str) -> yaml.Node:
    node: yaml.Node | None = yaml.compose(text, LOADER)
    if node is None:
        raise yaml.MarkedYAMLError(problem="the file is empty")
    return node


def _twice(node: yaml.Node) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                found.append((key.start_mark.line + 1, f"the key '{key.value}' stands twice"))
            seen.add(key.value)
            found += _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found += _twice(item)
    return found


def _finding(path: Path, node: yaml.Node, mistake: ErrorDetails) -> Finding:
    location: Location = tuple(part for part in mistake["loc"] if part != "[key]")
    context = mistake.get("ctx", {})
    if mistake["type"] == "unknown_key":
        location = (*location, context["key"])
    message = mistake["msg"].removeprefix("Value error, ").replace("Field required", "is missing")
    given = mistake["input"]
    if isinstance(given, str | int | float) and mistake["type"] != "unknown_key":
        message = f"{message}, not {given!r}"
    return Finding(path, _line(node, location), f"{_written(location)}: {message}")


def _written(location: Location) -> str:
    text = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in location)
    return text.removeprefix(".") or "the contract"


def _line(node: yaml.Node, location: Location) -> int:
    line = node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next((it for it in node.value if it[0].value == str(part)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                return line
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
