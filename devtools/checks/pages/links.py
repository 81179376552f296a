"""Links of a page lead to files and headings of this repository."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from devtools.checks.pages.page import CODE, Page, pages
from devtools.checks.tree import Finding, Tree

LINK = re.compile(r"\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"[a-z]+:")


def links(tree: Tree) -> Iterator[Finding]:
    """Links to files, relative to the page, and to headings."""
    for page in pages(tree):
        for it in page.prose:
            for target in LINK.findall(CODE.sub("", it.text)):
                if wrong := "" if ELSEWHERE.match(target) else _wrong(page, target):
                    yield Finding(page.path, it.line, f"links to {target}, and {wrong}.")


def _wrong(page: Page, target: str) -> str:
    path, _, heading = unquote(target).partition("#")
    there = (page.path.parent / path).resolve() if path else page.path
    if not there.exists():
        return "there is no such file"
    if heading and there.suffix == ".md" and heading not in _headings(Page(there)):
        return "there is no such heading"
    return ""


def _headings(page: Page) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = [it.text.lstrip("#").strip() for it in page.prose if it.text.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
