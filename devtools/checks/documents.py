"""Markdown: what a page links to exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from devtools.checks.tree import Finding, Tree

LINK = re.compile(r"\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^\s*(```|~~~)")


def links(tree: Tree) -> Iterator[Finding]:
    """Links to files, relative to the page, and to headings of this repository's pages."""
    for page in sorted(tree.files(".md")):
        for line, target in _targets(page):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, heading = unquote(target).partition("#")
            there = (page.parent / path).resolve() if path else page
            if not there.exists():
                yield Finding(page, line, f"links to {target}, and there is no such file.")
            elif heading and there.suffix == ".md" and heading not in _headings(there):
                yield Finding(page, line, f"links to {target}, and there is no such heading.")


def _targets(page: Path) -> Iterator[tuple[int, str]]:
    for number, text in _prose(page):
        for found in LINK.finditer(re.sub(r"`[^`]*`", "", text)):
            yield number, found[1]


def _headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = [text.lstrip("#").strip() for _, text in _prose(page) if text.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _prose(page: Path) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, text in enumerate(page.read_text().splitlines(), start=1):
        if FENCE.match(text):
            fenced = not fenced
        elif not fenced:
            yield number, text
