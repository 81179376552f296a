"""Who may import what: the boundaries between services, and the layers inside one."""

from collections.abc import Iterator
from pathlib import PurePath

from devtools.checks.names import Import
from devtools.checks.tree import Finding, Member, Source, Tree

FRAMEWORKS = ("fastapi", "starlette", "uvicorn", "pydantic_settings", "celery")
CLIENTS = (
    "aiohttp",
    "httpx",
    "requests",
    "urllib.request",
    "http.client",
    "socket",
    "asyncpg",
    "cassandra",
    "redis",
    "aiosmtplib",
    "smtplib",
    "shared.kit.http.client",
    "shared.kit.ServiceClient",
)
KIT_FOR_DOMAINS = ("shared.kit.errors", "shared.kit.http.context")
OUTER = {"api", "infrastructure", "main", "settings"}
TEST_MODULES = (
    "pytest",
    "tests",
    "shared.testing",
    "shared.tests",
)
# Started as a file in each service's environment, where `main` is that service's.
INSIDE_SERVICES = {"devtools/contracts/live_document.py"}


def own_and_shared(tree: Tree) -> Iterator[Finding]:
    """A service imports its own modules and `shared`; `shared` and devtools import no service."""
    owners: dict[str, list[str]] = {}
    for member in tree.members:
        for module in member.own_modules:
            owners.setdefault(module, []).append(member.name)
    for member, source in tree.sources:
        if tree.relative(source.path) in INSIDE_SERVICES:
            continue
        for it in source.imports:
            top = it.module.partition(".")[0]
            if top in member.own_modules or top == "shared" or top not in owners:
                continue
            owner = " and ".join(owners[top])
            yield Finding(
                source.path,
                it.line,
                f"{member.name} imports {it.module}, a module of {owner}. Services meet through "
                "HTTP only: call it with the kit's client, or move what both need to shared/.",
            )


def pure_domain(tree: Tree) -> Iterator[Finding]:
    """A domain is rules in plain Python: no framework, no client, nothing that calls it.

    What it imports of its own service is held to the same.
    """
    for service in tree.services:
        modules = {_module(service, source): source for source in service.shipped}
        for source in service.shipped:
            if not _is_domain(source.path.relative_to(service.folder)):
                continue
            for it in source.imports:
                if belongs := _outside(it):
                    what = f"a domain imports {it.module}: {belongs}."
                    yield Finding(source.path, it.line, what)
                elif found := _outside_through(it, modules):
                    way, belongs = found
                    what = f"a domain imports {' → '.join(way)}: {belongs}."
                    yield Finding(source.path, it.line, what)


def no_test_imports(tree: Tree) -> Iterator[Finding]:
    """Code that ships imports nothing of its tests and no test library."""
    for member, source in tree.shipped:
        for it in source.imports:
            if it.is_of(*TEST_MODULES, f"{member.name}.tests"):
                yield Finding(
                    source.path,
                    it.line,
                    f"{it.module} is for tests: production environments don't have it. "
                    "Move what is needed out of the tests.",
                )


def _outside(it: Import) -> str | None:
    """Where an import of a domain belongs instead; None when a domain may have it."""
    if it.is_of(*FRAMEWORKS, "shared.kit.auth.guards"):
        return "HTTP belongs in api.py"
    if it.is_of(*CLIENTS):
        return "calls belong in infrastructure.py, behind a protocol that the domain names"
    if it.is_of("shared.kit") and not it.is_of(*KIT_FOR_DOMAINS):
        return "of the kit a domain knows the errors and the context alone"
    if set(it.module.split(".")) & OUTER and not it.is_of("shared"):
        return "the outer layers import the domain, not the other way"
    return None


def _outside_through(
    it: Import, modules: dict[str, Source], seen: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], str] | None:
    """The way from one of the service's own modules to what no domain may import, and why."""
    name = it.module if it.module in modules else it.module.rpartition(".")[0]
    if name not in modules or name in seen:
        return None
    for inner in modules[name].imports:
        if belongs := _outside(inner):
            return (name, inner.module), belongs
        if found := _outside_through(inner, modules, (*seen, name)):
            return (name, *found[0]), found[1]
    return None


def _module(service: Member, source: Source) -> str:
    parts = source.path.relative_to(service.folder).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _is_domain(path: PurePath) -> bool:
    return "features" in path.parts and (path.name == "domain.py" or "domain" in path.parent.parts)
