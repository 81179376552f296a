"""Links of a page lead to files and headings of this repository."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from devtools.checks.pages.page import Page, pages
from devtools.checks.tree import Finding, Tree

ELSEWHERE = re.compile(r"[a-z]+:")


def links(tree: Tree) -> Iterator[Finding]:
    """Links to files, relative to the page, and to headings."""
    for page in pages(tree):
        for it in page.links:
            target = unquote(it.text)
            if not ELSEWHERE.match(target) and (wrong := _wrong(page, target)):
                yield Finding(page.path, it.line, f"links to {target}, and {wrong}.")


def _wrong(page: Page, target: str) -> str:
    path, _, heading = target.partition("#")
    there = (page.path.parent / path).resolve() if path else page.path
    if not there.exists():
        return "there is no such file"
    if heading and there.suffix == ".md" and heading not in map(_anchor, Page(there).headings):
        return "there is no such heading"
    return ""


def _anchor(title: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
