"""Files inside the wheels that carry engines, found without importing their packages."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from devtools.engines.recipe import EngineError


def wheel_path(package: str, inside: str) -> Path:
    """The path of something inside an installed wheel, which `glob` may find."""
    try:
        root = Path(str(distribution(package).locate_file("")))
    except PackageNotFoundError as error:
        raise EngineError(
            f"{package} is not installed: run `uv sync --package devtools --group engines`."
        ) from error
    found = sorted(root.glob(inside))
    if not found:
        raise EngineError(f"The package {package} has no build for this machine ({inside}).")
    return found[0]
