"""YAML that knows the lines of its parts: contracts and docker-compose.yml are read by it."""

from collections.abc import Callable
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader, by libyaml where PyYAML has it: ten times as fast."""

Location = tuple[str | int, ...]
_TEXT = "tag:yaml.org,2002:str"


class Mistake(Exception):
    """What is wrong with a text, which begins at `line`."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"{line}: {what}")
        self.line = line
        self.what = what


def load(text: str) -> Any:  # noqa: ANN401 - what the YAML says
    """The YAML as Python values; raises YAMLError where it is none."""
    return yaml.load(text, LOADER)  # noqa: S506 - a safe one


class Source:
    """`value` is the YAML as Python values, with merge keys resolved.

    `replaced` gets each text that is a value, and gives what stands for it. Raises Mistake where
    the text is no YAML, is empty or has a key twice, and where `replaced` raises ValueError.
    """

    def __init__(self, text: str, replaced: Callable[[str], str] = str) -> None:
        loader = LOADER(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
            if node is None:
                raise Mistake(1, "the file is empty")
            _prepare(node, replaced)
            self._node = node
            self.value: object = loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise Mistake(line, f"is no YAML: {error.problem}") from None
        finally:
            loader.dispose()

    def line(self, *location: str | int) -> int:
        """The line of a part, by keys and indexes, or of the closest part around it."""
        node = self._node
        line = node.start_mark.line
        for part in location:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                inside = node.value[part : part + 1]
                pair = (inside[0], inside[0]) if inside else None
            else:
                own = node.value if isinstance(node, yaml.MappingNode) else []
                pair = next((it for it in reversed(own) if it[0].value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        return int(line) + 1


def _prepare(node: yaml.Node, replaced: Callable[[str], str]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _prepare(item, replaced)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise Mistake(key.start_mark.line + 1, f"the key {key.value!r} stands twice")
            seen.add(key.value)
            _prepare(value, replaced)
    elif node.tag == _TEXT:
        try:
            node.value = replaced(node.value)
        except ValueError as error:
            raise Mistake(node.start_mark.line + 1, str(error)) from None
