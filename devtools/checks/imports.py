"""Who may import what: the boundaries between services, and inside one."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath

from devtools.checks.tree import Finding, Member, Source, Tree

DRIVERS = {
    "back-postgres": {"asyncpg", "psycopg", "sqlalchemy", "alembic"},
    "back-cassandra": {"cassandra"},
    "back-redis": {"redis", "valkey", "glide"},
    "back-workers": {"celery", "kombu", "redis", "valkey"},
}
DRIVER_DISTRIBUTIONS = {"cassandra": "cassandra-driver", "glide": "valkey-glide"}
FRAMEWORKS = ("fastapi", "starlette", "uvicorn", "pydantic_settings")
CLIENTS = ("aiohttp", "httpx", "requests", "urllib.request", "socket", "shared.kit.client")
KIT_FOR_DOMAINS = ("shared.kit.errors", "shared.kit.context")
SIGNING = "shared.security.signing"
SIGNER = "back-auth"
# Started as a file in each service's environment, where `main` is that service's.
INSIDE_SERVICES = {"devtools/contracts/live_document.py"}


def own_and_shared(tree: Tree) -> Iterator[Finding]:
    """A service imports its own modules and `shared`; `shared` and devtools import no service."""
    owners: dict[str, list[str]] = {}
    for member in tree.members:
        for module in member.own_modules:
            owners.setdefault(module, []).append(member.name)
    for member, source in _sources(tree.members):
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
    """A domain is rules in plain Python: no framework, no client, nothing that calls it."""
    outer = ("api", "infrastructure", "main", "settings")
    for _, source in _sources(tree.services):
        if not _is_domain(source.path.parts):
            continue
        for it in source.imports:
            if it.is_of(*FRAMEWORKS, "shared.kit.guards"):
                belongs = "HTTP belongs in api.py"
            elif it.is_of(*CLIENTS):
                belongs = "calls belong in infrastructure.py, behind a protocol named here"
            elif it.is_of("shared.kit") and not it.is_of(*KIT_FOR_DOMAINS):
                belongs = "of the kit a domain knows the errors and the context alone"
            elif set(it.module.split(".")) & set(outer) and not it.is_of("shared"):
                belongs = "the outer layers import the domain, not the other way"
            else:
                continue
            yield Finding(source.path, it.line, f"a domain imports {it.module}: {belongs}.")


def one_signer(tree: Tree) -> Iterator[Finding]:
    """Only back-auth signs user tokens; tests may make some."""
    for member, source in _sources(tree.members):
        if member.name in {SIGNER, "shared"} or member.is_test(source):
            continue
        for it in source.imports:
            if it.is_of(SIGNING):
                yield Finding(
                    source.path,
                    it.line,
                    f"{member.name} imports {SIGNING}: only {SIGNER} signs. "
                    "Verify with shared.security.jwt, or ask back-auth.",
                )


def drivers_at_their_owner(tree: Tree) -> Iterator[Finding]:
    """A database driver is imported and declared by the one service that owns its engine."""
    all_drivers = sorted(set().union(*DRIVERS.values()))
    for member in tree.members:
        foreign = [name for name in all_drivers if name not in DRIVERS.get(member.name, set())]
        for source in member.sources:
            for it in source.imports:
                if it.is_of(*foreign):
                    yield Finding(
                        source.path,
                        it.line,
                        f"{member.name} imports {it.module}: only {_owner(it.module)} opens that "
                        "engine. Ask it through the kit's client.",
                    )
    for service in tree.services:
        for name in all_drivers:
            distribution = DRIVER_DISTRIBUTIONS.get(name, name)
            if name not in DRIVERS.get(service.name, set()) and (
                distribution in service.distributions
            ):
                yield Finding(
                    service.folder / "pyproject.toml",
                    1,
                    f"{service.name} declares {distribution}: only {_owner(name)} opens that "
                    "engine. Remove the dependency and ask its owner.",
                )


def no_test_imports(tree: Tree) -> Iterator[Finding]:
    """Code that ships imports nothing of its tests and no test library."""
    for member, source in _sources(tree.members):
        if member.is_test(source) or source.path.stem in {"testing", "conftest"}:
            continue
        for it in source.imports:
            if it.is_of("pytest", "tests", f"{member.name}.tests"):
                yield Finding(
                    source.path,
                    it.line,
                    f"{it.module} is for tests: production environments don't have it. "
                    "Move what is needed out of the tests.",
                )


def _sources(members: Iterable[Member]) -> Iterator[tuple[Member, Source]]:
    for member in members:
        for source in member.sources:
            yield member, source


def _is_domain(parts: tuple[str, ...]) -> bool:
    path = PurePath(*parts)
    return "features" in parts and (path.name == "domain.py" or "domain" in path.parent.parts)


def _owner(module: str) -> str:
    top = module.partition(".")[0]
    return " or ".join(owner for owner, drivers in DRIVERS.items() if top in drivers)
