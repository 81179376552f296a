"""A Markdown page in the parts that the rules look at, as markdown-it reads it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from devtools.checks.tree import Tree
from devtools.workspace.repository import written_files

MARKDOWN = MarkdownIt("commonmark").enable("table")
SHELL = {"", "sh", "bash"}
COMMAND = re.compile(r"(?:.*\\\n)*.*\n?")
"""A line with those that it is continued on."""


@dataclass(frozen=True)
class Text:
    """Some text and the line that it begins at."""

    line: int
    text: str


class Page:
    """`texts` are all lines, `shell` the commands in fenced blocks, `code` what is in backticks.

    Lines of a block that end in a backslash are joined with the next.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.texts: list[Text] = []
        self.shell: list[Text] = []
        self.code: list[Text] = []
        for token in MARKDOWN.parse(path.read_text()):
            first = token.map[0] + 1 if token.map else 1
            if token.type in {"inline", "html_block"}:
                lines = enumerate(token.content.splitlines(), first)
                self.texts += [Text(number, line) for number, line in lines]
                self._read(token.children or [], first)
            elif token.type in {"fence", "code_block"}:
                shown = list(_commands(token.content, first + (token.type == "fence")))
                self.texts += shown
                self.shell += shown if token.info.partition(" ")[0] in SHELL else []

    def _read(self, children: list[Token], line: int) -> None:
        for it in children:
            if it.type in {"softbreak", "hardbreak"}:
                line += 1
            elif it.type == "code_inline":
                self.code.append(Text(line, it.content))


@cache
def pages(tree: Tree) -> list[Page]:
    """Every Markdown file of the repository."""
    return [Page(path) for path in written_files(tree.root, ".md")]


def _commands(block: str, first: int) -> Iterator[Text]:
    for found in COMMAND.finditer(block):
        line = first + block.count("\n", 0, found.start())
        yield Text(line, found[0].replace("\\\n", "").rstrip("\n"))
