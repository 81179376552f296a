"""Reads YAML so that every complaint names the file, the line and what was expected there."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from devtools.workspace.errors import DevError

_MERGE = "tag:yaml.org,2002:merge"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\}|)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class TopologyError(DevError):
    """A topology that is not in the subset of Compose that ./dev up understands."""


def read(path: Path, variables: Mapping[str, str]) -> "Value":
    """The document in `path`; `${NAME:-default}` in it is replaced from `variables`."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TopologyError(f"{path.name}:{line}: not YAML: {error.problem}") from error
    if node is None:
        raise TopologyError(f"{path.name}:1: empty, expected the key services")
    return Value(node, path.name, "", variables)


@dataclass(frozen=True)
class Value:
    """One YAML node, where it stands (`services.back-api.ports`) and how to read it."""

    node: Node
    file: str
    where: str
    variables: Mapping[str, str]

    def refuse(self, problem: str) -> NoReturn:
        line = self.node.start_mark.line + 1
        place = f"{self.where}: " if self.where else ""
        raise TopologyError(f"{self.file}:{line}: {place}{problem}")

    def fields(self, allowed: Collection[str]) -> dict[str, "Value"]:
        """The entries of a mapping with a closed set of keys."""
        entries = self.entries()
        for key, value in entries.items():
            if key not in allowed:
                value.refuse(f"unknown key, expected one of: {', '.join(sorted(allowed))}")
        return entries

    def entries(self) -> dict[str, "Value"]:
        """The entries of a mapping with free keys; merge keys (`<<`) are laid below its own."""
        if not isinstance(self.node, MappingNode):
            self.refuse("expected a mapping")
        merged: dict[str, Value] = {}
        own: dict[str, Value] = {}
        for key_node, value_node in self.node.value:
            value = self._at(value_node, self.where)
            if key_node.tag == _MERGE:
                for source in value.merged():
                    merged = {**source.entries(), **merged}
                continue
            key = self._at(key_node, self.where).text()
            if key in own:
                self._at(key_node, self.where).refuse(f"the key {key} stands twice")
            own[key] = self._at(value_node, f"{self.where}.{key}".lstrip("."))
        return merged | own

    def merged(self) -> list["Value"]:
        return self.items() if isinstance(self.node, SequenceNode) else [self]

    def items(self) -> list["Value"]:
        if not isinstance(self.node, SequenceNode):
            self.refuse("expected a list")
        return [self._at(item, self.where) for item in self.node.value]

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self.items())

    def text(self) -> str:
        if not isinstance(self.node, ScalarNode):
            self.refuse("expected a text")
        return _VARIABLE.sub(self._variable, self.node.value)

    def quoted(self) -> str:
        """A text that YAML doesn't take for a number or a flag, as Compose wants it."""
        if self.node.tag != "tag:yaml.org,2002:str":
            self.refuse("expected a text; put it in quotes")
        return self.text()

    def flag(self) -> bool:
        if self.node.tag != "tag:yaml.org,2002:bool":
            self.refuse("expected true or false")
        return self.text().lower() in {"true", "yes", "on"}

    def count(self) -> int:
        if not self.text().isdecimal():
            self.refuse("expected a whole number")
        return int(self.text())

    def one_of(self, allowed: Collection[str]) -> str:
        if self.text() not in allowed:
            self.refuse(f"{self.text()!r}, expected one of: {', '.join(sorted(allowed))}")
        return self.text()

    def seconds(self) -> float:
        """A duration as Compose writes it (`1m30s`), in seconds."""
        text = self.text()
        parts = _DURATION.findall(text)
        if not parts or "".join(map("".join, parts)) != text:
            self.refuse(f"{text!r}, expected a duration such as 10s or 1m30s")
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)

    def _at(self, node: Node, where: str) -> "Value":
        return Value(node, self.file, where, self.variables)

    def _variable(self, match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, default = match[1], match[2]
        if name is None:
            self.refuse("a lone $, expected ${NAME:-default}, or $$ for the sign itself")
        if name not in self.variables and default is None:
            self.refuse(f"${{{name}}} has no default, expected ${{{name}:-default}}")
        return self.variables.get(name) or default or ""
