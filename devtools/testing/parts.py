"""What ./dev test can run, found in the repository: a folder with tests is a part."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devtools.engines import fronts
from devtools.stack.topology import load
from devtools.testing.engines import PartEngine
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, ROOT, members, npm_folders


@dataclass(frozen=True)
class Part:
    """Tests that run as one process, `folder` being its working directory.

    Vitest runs those of an npm workspace, pytest in the environment of `member` all others.
    `on_stack` tests ask a running stack as its users do; `of_adapters` ask the services of one as
    the member does, and are those marked `real`. `has_floor` says that a branch coverage is asked
    for.
    """

    name: str
    folder: Path
    tests: str
    member: str
    groups: tuple[str, ...] = ("dev",)
    engine: PartEngine | None = None
    on_stack: bool = False
    of_adapters: bool = False
    has_floor: bool = True
    by_vitest: bool = False


LONGEST = (  # as measured, so that no long one begins when the others have ended
    "devtools",
    "back-postgres",
    "back-workers",
    "back-api",
    "back-cassandra",
    "back-gateway",
    "back-redis",
    "back-auth",
    "shared",
)
ADAPTERS = "adapters"
HAVE_ADAPTERS = ("back-api", "back-auth", "back-websockets", "back-workers")
BROWSER = "browser"
ON_STACK = ("integration", "e2e", BROWSER, "drills")
WITH_BROWSER = (BROWSER, "drills")
TESTS_OF_NPM = re.compile(r".*\.test\.tsx?")
ON_REQUEST = (  # take minutes
    "drills",  # they kill what runs and watch it come back
    "scaffold",  # it runs the checks and tests of other parts in a copy of the tree
)


def parts() -> dict[str, Part]:
    """Every part by its name, those that take longest first, those on a stack last."""
    found = [part for part in _parts() if part.by_vitest or _has_tests(part)]
    found.sort(key=_place)
    return {part.name: part for part in found}


def _place(part: Part) -> tuple[bool, int]:
    return part.on_stack, LONGEST.index(part.name) if part.name in LONGEST else len(LONGEST)


def _has_tests(part: Part) -> bool:
    return any((part.folder / part.tests).rglob("test_*.py"))


def chosen(names: list[str]) -> list[Part]:
    """The named parts, for no name all that are not on request; DevError for an unknown name."""
    known = parts()
    adapters = [name for name, part in known.items() if part.of_adapters]
    wanted: list[str] = []
    for name in names:
        if name not in {ADAPTERS, *known}:
            raise DevError(f"there is no part {name!r} to test; there are: {', '.join(known)}")
        wanted += adapters if name == ADAPTERS else [name]
    usual = [name for name in known if name not in ON_REQUEST]
    return [known[name] for name in wanted or usual]


def _engines() -> dict[str, PartEngine]:
    """The engine that each service owns, by the folder of the service, as Compose has it."""
    services = load(COMPOSE_FILE, {}).services
    return {
        service.folder: PartEngine(name, services[name].image or "", prefix, user)
        for service in services.values()
        for name in service.depends_on
        if service.folder and services[name].is_engine
        for prefix in [service.prefix_of(name)]
        for user in [service.environment[f"{prefix}_USER"]]
    }


def _parts() -> Iterator[Part]:
    engines = _engines()
    for member, folder in members().items():
        if folder != ROOT:
            has_floor = "fail-under" in (folder / "pyproject.toml").read_text()
            engine = engines.get(folder.name)
            yield Part(folder.name, folder, "tests", member, engine=engine, has_floor=has_floor)
        if member in HAVE_ADAPTERS:
            name = f"{ADAPTERS}-{folder.name}"
            yield Part(name, folder, "tests", member, of_adapters=True, has_floor=False)
    root = next(member for member, folder in members().items() if folder == ROOT)
    yield Part("shared", ROOT, "shared/tests", root)
    for name in ("contracts", "scaffold"):
        yield Part(name, ROOT, f"tests/{name}", root, ("dev", "e2e"), has_floor=False)
    for name in ON_STACK:
        groups = ("dev", "e2e", BROWSER) if name in WITH_BROWSER else ("dev", "e2e")
        yield Part(name, ROOT, f"tests/{name}", root, groups, on_stack=True, has_floor=False)
    for folder in npm_folders(ROOT):
        if any(TESTS_OF_NPM.fullmatch(path.name) for path in fronts.sources(folder)):
            yield Part(folder.name, folder, ".", "", by_vitest=True, has_floor=False)
