"""A Markdown page in the parts that the rules look at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devtools.checks.tree import Tree

FENCE = re.compile(r"^\s*(?:```|~~~)\s*(\w*)(.*)$")
CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Text:
    """Some text and the line that it begins at."""

    line: int
    text: str


@dataclass(frozen=True)
class Block:
    """A fenced block; `info` is what stands behind its language."""

    line: int
    language: str
    info: str
    text: str

    @property
    def commands(self) -> Iterator[Text]:
        """Its lines, those that end in a backslash joined with what follows."""
        begun, joined = 0, ""
        for number, line in enumerate(self.text.splitlines(), start=self.line + 1):
            begun = begun or number
            joined += line.removesuffix("\\")
            if not line.endswith("\\"):
                yield Text(begun, joined)
                begun, joined = 0, ""


@dataclass(frozen=True)
class Page:
    path: Path

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    @cached_property
    def prose(self) -> list[Text]:
        """The lines outside fenced blocks."""
        return self._parts[0]

    @cached_property
    def blocks(self) -> list[Block]:
        return self._parts[1]

    @property
    def shell(self) -> Iterator[Block]:
        """The blocks of commands: those for a shell, and those that name no language."""
        return (it for it in self.blocks if it.language in {"", "sh", "bash"})

    @property
    def code(self) -> Iterator[Text]:
        """What stands in backticks."""
        for it in self.prose:
            for found in CODE.finditer(it.text):
                yield Text(it.line, found[1])

    @cached_property
    def _parts(self) -> tuple[list[Text], list[Block]]:
        prose: list[Text] = []
        blocks: list[Block] = []
        inside: tuple[int, str, str] | None = None
        held: list[str] = []
        for number, line in enumerate(self.lines, start=1):
            fence = FENCE.match(line)
            if inside and fence:
                blocks.append(Block(*inside, "\n".join(held)))
                inside, held = None, []
            elif inside:
                held.append(line)
            elif fence:
                inside = (number, fence[1], fence[2].strip())
            else:
                prose.append(Text(number, line))
        return prose, blocks


def pages(tree: Tree) -> Iterator[Page]:
    """Every Markdown file of the repository."""
    for path in sorted(tree.files(".md")):
        yield Page(path)
