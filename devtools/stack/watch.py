"""Which services a change of files concerns, for `./dev up --watch`."""

from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path

from watchfiles import Change, awatch

from devtools.workspace.repository import NOT_WRITTEN

SHARED = "shared"
NOT_CODE = {"tests", "testing", "generated", *NOT_WRITTEN}
SUFFIXES = {
    ".py",
    ".yml",
    ".yaml",
    ".json",
    ".lua",
    ".sql",
    ".html",
    ".css",
    ".js",
    ".in",
    ".jinja",
}


def concerned(changed: Iterable[Path], services: Mapping[str, Path], root: Path) -> set[str]:
    """The services, of those by folder, that run what changed; all of them run `shared`."""
    found: set[str] = set()
    for path in changed:
        if not path.is_relative_to(root) or path.suffix not in SUFFIXES:
            continue
        parts = path.relative_to(root).parts
        if NOT_CODE & set(parts):
            continue
        in_all = parts[0] == SHARED
        found |= {it for it, folder in services.items() if in_all or path.is_relative_to(folder)}
    return found


async def changes(services: Mapping[str, Path], root: Path) -> AsyncIterator[set[str]]:
    """The services that each change of files concerns, for as long as it is asked."""
    folders = {root / SHARED, *services.values()}

    def is_code(_: Change, path: str) -> bool:
        return bool(concerned([Path(path)], services, root))

    async for found in awatch(*folders, watch_filter=is_code):
        yield concerned([Path(path) for _, path in found], services, root)
