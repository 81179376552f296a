"""Links of a page, and paths that it names in backticks, lead to what is there."""

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


KINDS = "py|md|yml|yaml|toml|json|in|sql|lua|lock|txt|js|ts"
NAMED = re.compile(rf"[\w.@+-]+(?:/[\w.@+-]+)*/?(?:\.(?:{KINDS}))?")
SUFFIX = re.compile(rf"(?:\.\w+)?\.(?:{KINDS})$")
MADE = (".run/", "node_modules/", "nginx.conf")


def paths(tree: Tree) -> Iterator[Finding]:
    """Files by their suffix, and folders of the repository.

    A path is rooted at the repository or at the page's folder, or is the end of one below that.
    """
    services = {member.folder for member in tree.services}
    files = [str(path) for path in tree.files("")]
    for page in pages(tree):
        folder = page.path.parent
        below = folder if folder in services else tree.root
        for it in page.code:
            name = it.text.rstrip("/")
            if not _is_path(tree, it.text) or (tree.root / name).exists():
                continue
            known = (f"{path}/" for path in files if path.startswith(f"{below}/"))
            if not (folder / name).exists() and not any(f"/{name}/" in path for path in known):
                yield Finding(page.path, it.line, f"there is no {it.text}.")


def _is_path(tree: Tree, text: str) -> bool:
    if not NAMED.fullmatch(text) or text.startswith(MADE) or "NNNN" in text or SUFFIX.match(text):
        return False
    top = text.partition("/")[0]
    return bool(SUFFIX.search(text)) or ("/" in text and (tree.root / top).is_dir())
