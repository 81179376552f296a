"""Reads YAML so that every complaint names the file, the line and the key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from devtools.workspace.errors import DevError

Place = tuple[str | int, ...]
_TEXT = "tag:yaml.org,2002:str"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\}|)")


class TopologyError(DevError):
    """A topology that is not in the subset of Compose that ./dev up understands."""


@dataclass(frozen=True)
class Document:
    """`content` is the YAML as Python values, merge keys resolved and variables replaced."""

    file: str
    node: Node
    content: Mapping[str, object]

    def error(self, place: Place, problem: str) -> TopologyError:
        """`place` is a path of keys and indexes; the line is that of its last part that exists."""
        node, where = self.node, []
        for part in place:
            node = _inside(node, part) or node
            where += [part] if isinstance(part, str) and "<" not in part else []
        named = f"{'.'.join(where)}: " if where else ""
        return TopologyError(f"{self.file}:{node.start_mark.line + 1}: {named}{problem}")


def read(path: Path, variables: Mapping[str, str]) -> Document:
    """The document in `path`; `${NAME:-default}` in its texts is replaced from `variables`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(path.read_text(encoding="utf-8"))
    try:
        node = loader.get_single_node()
        if not isinstance(node, MappingNode):
            raise TopologyError(f"{path.name}:1: expected the key services")
        _prepare(node, path.name, variables)
        return Document(path.name, node, loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TopologyError(f"{path.name}:{line}: not YAML: {error.problem}") from error
    finally:
        loader.dispose()


def _prepare(node: Node, file: str, variables: Mapping[str, str]) -> None:
    """Replace variables in texts, and refuse a key that stands twice."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name, default = match[1], match[2]
        if name is None or (name not in variables and default is None):
            line = node.start_mark.line + 1
            raise TopologyError(
                f"{file}:{line}: {match[0]} has no default, expected ${{NAME:-default}}, "
                "or $$ for the sign itself"
            )
        return variables.get(name) or default or ""

    if isinstance(node, ScalarNode) and node.tag == _TEXT:
        node.value = _VARIABLE.sub(replaced, node.value)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            _prepare(item, file, variables)
    elif isinstance(node, MappingNode):
        keys = [key.value for key, _ in node.value]
        for key, value in node.value:
            if keys.count(key.value) > 1:
                line = key.start_mark.line + 1
                raise TopologyError(f"{file}:{line}: the key {key.value} stands twice")
            _prepare(value, file, variables)


def _inside(node: Node, part: str | int) -> Node | None:
    if isinstance(node, SequenceNode) and isinstance(part, int):
        return node.value[part] if part < len(node.value) else None
    if isinstance(node, MappingNode):
        own = [value for key, value in node.value if key.value == part]
        return own[-1] if own else None
    return None
