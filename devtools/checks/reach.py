"""Which files of `shared` an import leads to, through as many others as it takes."""

from collections import deque
from collections.abc import Iterator
from pathlib import PurePosixPath

from devtools.checks.tree import Tree


def reached(tree: Tree, module: str) -> dict[str, tuple[str, ...]]:
    """The files of `shared` that importing `module` runs, each with the shortest way to it.

    A way begins with the file that `module` itself is in; paths are relative to the root.
    """
    files = {tree.relative(source.path): source for source in tree.shared.shipped}
    ways: dict[str, tuple[str, ...]] = {path: (path,) for path in _run_by(module) if path in files}
    waiting = deque(ways)
    while waiting:
        here = waiting.popleft()
        for it in files[here].imports:
            for path in _run_by(it.module):
                if path in files and path not in ways:
                    ways[path] = (*ways[here], path)
                    waiting.append(path)
    return ways


def _run_by(module: str) -> Iterator[str]:
    """Files that may run when `module` is imported, the packages above it included."""
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        path = PurePosixPath(*parts[:end])
        yield f"{path}.py"
        yield f"{path}/__init__.py"
