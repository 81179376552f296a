"""Paths that a page names in backticks lead to what is there."""

import re
from collections.abc import Iterator

from devtools.checks.pages.page import pages
from devtools.checks.tree import Finding, Tree
from devtools.workspace.repository import npm_folders, written_files

KINDS = "py|md|yml|yaml|toml|json|in|sql|lua|lock|txt|js|ts|tsx|css"
NAMED = re.compile(rf"[\w.@+-]+(?:/[\w.@+-]+)*/?(?:\.(?:{KINDS}))?")
SUFFIX = re.compile(rf"(?:\.\w+)?\.(?:{KINDS})$")
MADE = (".run/", "node_modules/", "build/", ".react-router/", "nginx.conf")


def paths(tree: Tree) -> Iterator[Finding]:
    """Files by their suffix, and folders of the repository.

    A path is rooted at the repository or at the page's folder, or is the end of one below that.
    """
    services = {*(member.folder for member in tree.services), *npm_folders(tree.root)}
    files = [str(path) for path in written_files(tree.root)]
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
