"""A path that a page names in backticks is there."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from devtools.checks.pages.page import pages
from devtools.checks.tree import LEFT_OUT, Finding, Tree

KINDS = ("py", "md", "yml", "yaml", "toml", "json", "in", "sql", "lua", "lock", "txt", "js", "ts")
NAMED = re.compile(rf"[\w.@+-]+(?:/[\w.@+-]+)*/?(?:\.(?:{'|'.join(KINDS)}))?")
SUFFIX = re.compile(rf"(?:\.\w+)?\.(?:{'|'.join(KINDS)})$")
MADE = (".run/", "node_modules/", "nginx.conf")


def paths(tree: Tree) -> Iterator[Finding]:
    """Files by their suffix, and folders of the repository.

    A path is rooted at the repository or at the page's folder, or is the end of one below that.
    """
    for page in pages(tree):
        for it in page.code:
            name = it.text.rstrip("/")
            if _is_path(tree, it.text) and not _exists(tree, page.path.parent, name):
                yield Finding(page.path, it.line, f"there is no {it.text}.")


def _is_path(tree: Tree, text: str) -> bool:
    if not NAMED.fullmatch(text) or text.startswith(MADE) or "NNNN" in text or SUFFIX.match(text):
        return False
    top = text.partition("/")[0]
    return bool(SUFFIX.search(text)) or ("/" in text and (tree.root / top).is_dir())


def _exists(tree: Tree, folder: Path, name: str) -> bool:
    if (tree.root / name).exists() or (folder / name).exists():
        return True
    in_service = folder in {member.folder for member in tree.services}
    below = folder if in_service else tree.root
    return any(path.endswith(f"/{name}") for path in _below(below))


def _below(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [it for it in folders if it not in LEFT_OUT]
        yield from (f"{place}/{name}" for name in [*names, *folders])
