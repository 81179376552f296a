"""What may not happen when a file is imported, and modules that import themselves through others.

Ruff bans names wherever they are used, and import-linter refuses modules that are no package: a
service's own (`main.py`, `settings.py`).
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from devtools.checks.names import calls_at_import
from devtools.checks.tree import Finding, Member, Source, Tree

OPENS = (
    "aiohttp.ClientSession",
    "asyncpg.connect",
    "asyncpg.create_pool",
    "cassandra.cluster.Cluster",
    "celery.Celery",
    "fastapi.FastAPI",
    "redis.Redis",
    "redis.asyncio",
    "shared.kit.Service",
    "shared.kit.ServiceClient",
    "shared.kit.service_client",
    "sqlalchemy.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine",
)


def settings_at_import(tree: Tree) -> Iterator[Finding]:
    """Settings and secrets are read when the app is made."""
    for source in _of_services(tree):
        for it in calls_at_import(source.tree):
            if it.name.endswith(("Settings", ".secret")):
                what = (
                    f"{it.name}() runs at import, so that tests and tools can't import the file "
                    "without an environment. Make it in app() and pass it on."
                )
                yield Finding(source.path, it.line, what)


def connections_at_import(tree: Tree) -> Iterator[Finding]:
    """What connects, or is an app, is made in app() and opened in its lifespan."""
    for source in _of_services(tree):
        for it in calls_at_import(source.tree):
            if any(f"{it.name}.".startswith(f"{name}.") for name in OPENS):
                what = (
                    f"{it.name}() at import is state of the whole process: a second app, or a "
                    "test, would share it. Make it in app() and give it to service.resource(…)."
                )
                yield Finding(source.path, it.line, what)


def import_cycles(tree: Tree) -> Iterator[Finding]:
    """No module of a member imports itself through others."""
    for member in tree.members:
        modules = {_module(member, source): source for source in member.shipped}
        graph = {
            name: {_inner(it.name, modules) for it in source.imports} - {name, ""}
            for name, source in modules.items()
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            cycle = error.args[1]
            what = f"imports itself: {' → '.join(reversed(cycle))}. Move what both need to a third."
            yield Finding(modules[cycle[0]].path, 1, what)


def _of_services(tree: Tree) -> Iterator[Source]:
    for member in (*tree.services, tree.packages[0]):
        yield from member.shipped


def _module(member: Member, source: Source) -> str:
    parts = source.path.relative_to(member.root).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _inner(name: str, modules: dict[str, Source]) -> str:
    """The module that an import of `name` reads, empty where it is of somebody else."""
    return name if name in modules else next(iter({name.rpartition(".")[0]} & modules.keys()), "")
