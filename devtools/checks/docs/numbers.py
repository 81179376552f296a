"""A number that a page states is the one of the setting, constant or contract that it names.

Two notations. In a section "Numbers", a table with the columns `value` and `source`: a value for
each source, separated by ", " or " · ", and each source in backticks. Elsewhere, and in prose of
that section, a comment behind the number: `15 minutes <!-- number: email-auth.access_token_seconds
-->`. `sources.values` says what can be a source.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from devtools.checks.docs.page import CODE, Page, Text, pages
from devtools.checks.docs.sources import COMPUTED, Unknown, values
from devtools.checks.tree import Finding, Tree

NUMBER = re.compile(r"(?<![\w.])(\d+(?:,\d{3})*(?:\.\d+)?)(?:[ -]([a-zA-Z]+))?")
COMMENT = re.compile(r"<!-- number: (\S+) -->")
SEPARATOR = re.compile(r", | · ")
UNITS: dict[str, tuple[float, ...]] = {
    "ms": (1, 0.001),
    "s": (1, 1000),
    "second": (1, 1000),
    "seconds": (1, 1000),
    "min": (60, 60_000),
    "minutes": (60, 60_000),
    "h": (3600,),
    "hours": (3600,),
    "day": (86_400,),
    "days": (86_400, 1),
    "KiB": (1024, 1),
    "MiB": (1024**2, 1024, 1),
    "MB": (10**6,),
}
"""What a number may be in its source: seconds or milliseconds, bytes or a size's own unit."""


def numbers(tree: Tree) -> Iterator[Finding]:
    """Those with a comment, and all in the sections "Numbers"."""
    for page in pages(tree):
        for it in page.prose:
            yield from _commented(tree, page, it)
        section = _section(page)
        yield from _tables(tree, page, section)
        for it in section:
            if not it.text.startswith("|") and (stray := _stray(it.text)):
                what = f"{stray}: say where it comes from, `<!-- number: SOURCE -->` behind it."
                yield Finding(page.path, it.line, what)


def _commented(tree: Tree, page: Page, it: Text) -> Iterator[Finding]:
    plain = _without_code(it.text)
    for found in COMMENT.finditer(plain):
        before = list(NUMBER.finditer(plain, 0, found.start()))
        if not before:
            yield Finding(page.path, it.line, f"{found[1]}: there is no number before its comment.")
        elif wrong := _wrong(tree, page, before[-1][0], found[1]):
            yield Finding(page.path, it.line, wrong)


def _tables(tree: Tree, page: Page, section: list[Text]) -> Iterator[Finding]:
    for is_table, lines in groupby(section, lambda it: it.text.startswith("|")):
        if not is_table:
            continue
        head, _, *rows = lines
        columns = _cells(head.text)
        if not {"value", "source"} <= set(columns):
            yield Finding(page.path, head.line, "a table of numbers has columns value and source.")
            continue
        for it in rows:
            cells = dict(zip(columns, _cells(it.text), strict=False))
            yield from _row(tree, page, it.line, cells["value"], cells["source"])


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]


def _row(tree: Tree, page: Page, line: int, stated: str, cell: str) -> Iterator[Finding]:
    told, sources = SEPARATOR.split(stated), CODE.findall(cell)
    if len(told) != len(sources):
        what = f"{stated}: {len(told)} values, and {len(sources)} sources in backticks."
        yield Finding(page.path, line, what)
        return
    for value, source in zip(told, sources, strict=True):
        if wrong := _wrong(tree, page, value, source):
            yield Finding(page.path, line, wrong)


def _wrong(tree: Tree, page: Page, stated: str, source: str) -> str:
    """What is wrong with a value that is stated; empty where it agrees with its source."""
    try:
        actual = values(tree.root, page.path.parent, source)
    except Unknown as unknown:
        return f"{source}: {unknown}."
    if all(value is COMPUTED or _agrees(stated, value) for value in actual):
        return ""
    return f"{stated}: {source} is {' and '.join(map(str, actual))}."


def _agrees(stated: str, actual: object) -> bool:
    if isinstance(actual, str) and re.fullmatch(r"\d+(\.\d+)?", actual):
        actual = float(actual)
    if isinstance(actual, bool) or not isinstance(actual, int | float):
        return stated.strip("`") == (str(actual) or "empty")
    found = NUMBER.search(stated)
    if found is None:
        return False
    number = float(found[1].replace(",", ""))
    return any(abs(number * unit - actual) < 1e-9 for unit in UNITS.get(found[2] or "", (1,)))


def _section(page: Page) -> list[Text]:
    """The lines below the heading "Numbers"."""
    inside, found = False, []
    for it in page.prose:
        if it.text.startswith("#"):
            inside = it.text.lstrip("# ").strip() == "Numbers"
        elif inside:
            found.append(it)
    return found


def _stray(text: str) -> str:
    """A number of prose that names no source; empty where there is none."""
    plain = _without_code(text)
    tied = [match.start() for match in COMMENT.finditer(plain)]
    for at, found in enumerate(all_found := list(NUMBER.finditer(plain))):
        ends = all_found[at + 1].start() if at + 1 < len(all_found) else len(text)
        if not any(found.end() <= start < ends for start in tied):
            return found[0]
    return ""


def _without_code(text: str) -> str:
    return CODE.sub(lambda code: " " * len(code[0]), text)
