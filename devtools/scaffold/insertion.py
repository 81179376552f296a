"""Lines put into files that exist, at places that are named, and taken out again.

Each insertion is a pure change of text, and `remove` undoes exactly what `add` does.
"""

import re
from dataclasses import dataclass
from typing import Protocol

LINE_LENGTH = 100


class NoPlace(Exception):
    """The file has no place as the insertion needs one; the message says which."""


class NotThere(Exception):
    """What is to be removed isn't there as it was put."""


class Insertion(Protocol):
    """One change of a text."""

    def add(self, text: str) -> str:
        """Raises NoPlace."""

    def remove(self, text: str) -> str:
        """Raises NotThere."""


@dataclass(frozen=True)
class AfterLast:
    """A block of whole lines after the last line that `pattern` matches.

    `until` ends the search at the first line that it matches.
    """

    pattern: str
    block: str
    until: str | None = None

    def add(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        at = 0
        for number, line in enumerate(lines, start=1):
            if self.until and at and re.search(self.until, line):
                break
            if re.search(self.pattern, line):
                at = number
        if not at:
            raise NoPlace(f"no line like {self.pattern}")
        return "".join([*lines[:at], self.block, *lines[at:]])

    def remove(self, text: str) -> str:
        return _without(text, self.block)


@dataclass(frozen=True)
class Before:
    """A block of whole lines before the first line that `pattern` matches, else at the end."""

    pattern: str
    block: str

    def add(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        for at, line in enumerate(lines):
            if re.search(self.pattern, line):
                return "".join([*lines[:at], self.block, *lines[at:]])
        raise NoPlace(f"no line like {self.pattern}")

    def remove(self, text: str) -> str:
        return _without(text, self.block)


@dataclass(frozen=True)
class SortedLine:
    """One line among those that `pattern` matches, which stand together in order."""

    pattern: str
    line: str

    def add(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        found = [at for at, line in enumerate(lines) if re.search(self.pattern, line)]
        if not found:
            raise NoPlace(f"no line like {self.pattern}")
        at = next((it for it in found if lines[it] > self.line), found[-1] + 1)
        return "".join([*lines[:at], self.line, *lines[at:]])

    def remove(self, text: str) -> str:
        return _without(text, self.line)


@dataclass(frozen=True)
class ImportedName:
    """A name in `from module import a, b, c`, which is written as the formatter writes it."""

    module: str
    name: str

    def add(self, text: str) -> str:
        match, names = self._names(text)
        return self._written(text, match, sorted({*names, self.name}))

    def remove(self, text: str) -> str:
        try:
            match, names = self._names(text)
        except NoPlace as error:
            raise NotThere(str(error)) from None
        if self.name not in names:
            raise NotThere(f"from {self.module} import {self.name}")
        return self._written(text, match, [it for it in names if it != self.name])

    def _names(self, text: str) -> tuple[re.Match[str], list[str]]:
        start = rf"^from {re.escape(self.module)} import "
        match = re.search(start + r"(?:\(([^)]*)\)|([^\n(]+))\n", text, re.MULTILINE)
        if match is None:
            raise NoPlace(f"no line `from {self.module} import …`")
        return match, re.findall(r"\w+", match[1] or match[2])

    def _written(self, text: str, match: re.Match[str], names: list[str]) -> str:
        statement = f"from {self.module} import {', '.join(names)}\n"
        if len(statement) > LINE_LENGTH + 1:
            listed = "".join(f"    {name},\n" for name in names)
            statement = f"from {self.module} import (\n{listed})\n"
        return text[: match.start()] + statement + text[match.end() :]


@dataclass(frozen=True)
class Word:
    """`word` put behind the end of what `pattern` matches, in the same line."""

    pattern: str
    word: str

    def add(self, text: str) -> str:
        match = re.search(self.pattern, text, re.MULTILINE)
        if match is None:
            raise NoPlace(f"no text like {self.pattern}")
        return text[: match.end()] + self.word + text[match.end() :]

    def remove(self, text: str) -> str:
        return _without(text, self.word)


def _without(text: str, part: str) -> str:
    if text.count(part) != 1:
        raise NotThere(part.strip().splitlines()[0])
    return text.replace(part, "")
