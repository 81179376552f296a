"""The wheels that carry engines: brought, found, and offered for this machine or not."""

import site
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from devtools.engines.recipe import EngineError
from devtools.workspace import environments
from devtools.workspace.repository import members, pyproject


async def install(group: str = "engines") -> None:
    """Bring the wheels of a dependency group and make them importable here.

    They have an environment of their own, so that a new uv.lock changes nothing below a running
    engine when ./dev brings its own environment up to date.
    """
    venv = await environments.sync("devtools", (group,))
    for packages in venv.glob("lib/python3*/site-packages"):
        site.addsitedir(str(packages))


def wheel_path(package: str, inside: str) -> Path:
    """The path of something inside an installed wheel, which `glob` may find."""
    try:
        root = Path(str(distribution(package).locate_file("")))
    except PackageNotFoundError as error:
        raise EngineError(f"the package {package} is not in the environment of engines") from error
    found = sorted(root.glob(inside))
    if not found:
        raise EngineError(f"the package {package} has no build for this machine ({inside})")
    return found[0]


def is_offered(package: str, member: str, machine: Mapping[str, str] | None = None) -> bool:
    """Whether `member` declares `package` for this machine, by the marker in its pyproject.toml.

    `machine` overrides the variables of the marker, such as `platform_machine`.
    """
    project = pyproject(members()[member])
    groups = project["dependency-groups"].values()
    declared = [*project["project"]["dependencies"], *(it for group in groups for it in group)]
    named = [Requirement(it) for it in declared if isinstance(it, str)]
    markers = [it.marker for it in named if it.name == package]
    return any(it is None or it.evaluate(dict(machine or {})) for it in markers)
