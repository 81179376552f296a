"""A Markdown page in the parts that the rules look at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devtools.checks.tree import Tree

FENCE = re.compile(r"^\s*(?:```|~~~)\s*(\w*)")
CODE = re.compile(r"`([^`\n]+)`")
SHELL = {"", "sh", "bash"}


@dataclass(frozen=True)
class Text:
    """Some text and the line that it begins at."""

    line: int
    text: str


class Page:
    """`prose` is outside fenced blocks, `shown` inside, `shell` what of that a shell reads.

    Lines of a block that end in a backslash are joined with the next.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.prose: list[Text] = []
        self.shown: list[Text] = []
        self.shell: list[Text] = []
        language: str | None = None
        begun = Text(0, "")
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if fence := FENCE.match(line):
                language = fence[1] if language is None else None
            elif language is None:
                self.prose.append(Text(number, line))
            else:
                joined = Text(begun.line or number, begun.text + line.removesuffix("\\"))
                begun = joined if line.endswith("\\") else Text(0, "")
                if not begun.line:
                    self.shown.append(joined)
                    self.shell += [joined] if language in SHELL else []

    @property
    def code(self) -> Iterator[Text]:
        """What stands in backticks."""
        for it in self.prose:
            yield from (Text(it.line, found) for found in CODE.findall(it.text))


def pages(tree: Tree) -> Iterator[Page]:
    """Every Markdown file of the repository."""
    yield from map(Page, sorted(tree.files(".md")))
