"""What may be used in one place only, and the rule that keeps it there.

`HOMES` is the list to read and to extend. A service breaks a rule by an import, by a call through
an import (`jwt.encode`), or through a module of `shared` that it imports.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from devtools.checks.reach import reached
from devtools.checks.tree import Finding, Member, Source, Tree

DATA_SERVICES = ("back-postgres", "back-cassandra", "back-redis")


@dataclass(frozen=True)
class Home:
    """Names that stay in `places`, or are kept from the members `kept_from`.

    A place is a member, a file below the root, or the name of a file in any service.
    """

    check: str
    names: tuple[str, ...]
    belongs: str
    places: tuple[str, ...] = ()
    kept_from: tuple[str, ...] = ()
    tests_too: bool = False

    def covers(self, tree: Tree, member: Member, source: Source) -> bool:
        """Whether `source` may not use the names."""
        if member.is_test(source) and not self.tests_too:
            return False
        if self.kept_from:
            return member.name in self.kept_from
        return not {member.name, tree.relative(source.path), source.path.name} & set(self.places)


def _driver(owner: str, *names: str) -> Home:
    belongs = f"only {owner} opens that engine. Ask it through the kit's client (shared/kit)"
    return Home("drivers", names, belongs, (owner,), tests_too=True)


HOMES = [
    _driver("back-postgres", "asyncpg", "psycopg", "psycopg2", "sqlalchemy", "alembic", "sqlite3"),
    _driver("back-cassandra", "cassandra"),
    _driver("back-workers", "celery", "kombu"),
    Home(
        "drivers",
        ("redis",),
        "only back-redis and back-workers open a Valkey. Ask back-redis through the kit's client",
        ("back-redis", "back-workers"),
        tests_too=True,
    ),
    Home(
        "drivers",
        ("valkey", "glide"),
        "the one client library for Valkey is redis (docs/decisions)",
        tests_too=True,
    ),
    Home(
        "http-clients",
        ("aiohttp", "httpx", "httpx2", "requests", "urllib3", "urllib.request", "http.client"),
        "services call each other through ServiceClient (shared/kit/http/client.py), which brings "
        "identity, deadline, retries and the contract. Take one from service.client(…)",
        ("shared/kit/http/transport.py", "devtools"),
    ),
    Home(
        "mail",
        ("smtplib", "aiosmtplib"),
        "only back-workers sends mail. Publish an event whose contract has the consumer mail",
        ("back-workers", "devtools"),
    ),
    Home(
        "hashing",
        (
            "argon2",
            "bcrypt",
            "passlib",
            "nacl.pwhash",
            "cryptography.hazmat.primitives.kdf",
            "hashlib.scrypt",
            "hashlib.pbkdf2_hmac",
        ),
        "only back-auth hashes passwords (services/password_service.py). Send it the password, "
        "keep its credential id",
        ("back-auth",),
    ),
    Home(
        "signing",
        ("shared.security.signing",),
        "only back-auth signs user tokens. Verify with shared.security.jwt, or ask back-auth",
        ("back-auth",),
    ),
    Home(
        "signing",
        ("jwt.encode", "jwt.api_jwt", "jwt.api_jws", "jwt.PyJWT", "jwt.PyJWS", "jose", "authlib"),
        "tokens are signed in two places: a user's by back-auth through "
        "shared/security/signing.py, a service's by shared/kit/auth/service_identity.py. "
        "Ask back-auth",
        ("shared/security/signing.py", "shared/kit/auth/service_identity.py"),
    ),
    Home(
        "signing",
        ("cryptography",),
        "private keys are held by the kit's identity, secrets_init and back-auth alone",
        ("shared", "back-auth", "devtools"),
    ),
    Home(
        "user-tokens",
        (
            "jwt",
            "shared.security.jwt",
            "shared.kit.auth.user_tokens",
            "shared.kit.auth.guards.CurrentUser",
            "shared.kit.auth.guards.current_user",
            "shared.kit.auth.guards.user_with_permission",
        ),
        "this service reads no user token: it knows the service that calls. Take the user's id "
        "as data, and guard the route with calls_with_scope",
        kept_from=(*DATA_SERVICES, "back-websockets", "back-workers"),
    ),
    Home(
        "no-calls",
        ("shared.kit.http.client", "shared.kit.ServiceClient", "shared.kit.service_client"),
        "a data service calls no other service. The caller brings what is needed, or reacts to "
        "the event",
        kept_from=DATA_SERVICES,
    ),
    Home(
        "no-loops",
        ("asyncio.create_task", "asyncio.ensure_future", "threading", "sched", "multiprocessing"),
        "back-api runs nothing beside its requests. What runs by the clock or later is a task of "
        "back-workers",
        kept_from=("back-api",),
    ),
    Home(
        "problems",
        (
            "fastapi.HTTPException",
            "fastapi.exceptions.HTTPException",
            "starlette.exceptions.HTTPException",
        ),
        "errors are raised as meanings (shared/kit/errors.py) and become HTTP in "
        "shared/kit/http/problems.py alone. Raise NotFound, Conflict, …",
        ("shared/kit/http/problems.py", "mailbox"),
    ),
    Home(
        "environment",
        ("os.environ", "os.getenv"),
        "only settings.py reads the environment. Add a field to Settings and pass it on",
        # A health command of a few milliseconds: it can't afford to import pydantic.
        ("settings.py", "back-workers/heartbeat.py", "devtools"),
    ),
    Home(
        "logging",
        ("logging.getLogger", "logging.basicConfig"),
        "services log with structlog.get_logger(), so that each line is JSON with its "
        "correlation id",
        # The last two only quieten the loggers of a library.
        (
            "shared/kit/runtime/log.py",
            "devtools",
            "mailbox",
            "back-cassandra/driver.py",
            "back-workers/tasks/celery_hooks.py",
        ),
    ),
    Home(
        "blocking",
        ("time.sleep",),
        "it stops every request of the process. Await asyncio.sleep, or what is waited for",
        ("devtools",),
    ),
]


def _kept_home(home: Home, tree: Tree) -> Iterator[Finding]:
    strays: dict[str, str] = {}
    for member, source in tree.sources:
        if not home.covers(tree, member, source):
            continue
        found = [it for it in source.imports if it.is_of(*home.names)]
        for it in found or [it for it in source.uses if it.is_of(*home.names)]:
            strays.setdefault(tree.relative(source.path), it.module)
            yield Finding(source.path, it.line, f"{member.name} uses {it.module}: {home.belongs}.")
    yield from _through_shared(replace(home, tests_too=False), tree, strays)


def _through_shared(home: Home, tree: Tree, strays: dict[str, str]) -> Iterator[Finding]:
    """A service that reaches a stray of `shared` hears of it where its own import stands."""
    for service in tree.services if strays else ():
        for source in service.shipped:
            if not home.covers(tree, service, source):
                continue
            for it in source.imports:
                for path, way in reached(tree, it.module).items():
                    if (name := strays.get(path)) is not None:
                        through = " → ".join([*way, name])
                        yield Finding(
                            source.path,
                            it.line,
                            f"{service.name} uses {name} through {through}: {home.belongs}.",
                        )


def _all_of(check: str, tree: Tree) -> Iterator[Finding]:
    for home in HOMES:
        if home.check == check:
            yield from _kept_home(home, tree)


RULES: dict[str, Callable[[Tree], Iterator[Finding]]] = {
    check: partial(_all_of, check) for check in dict.fromkeys(home.check for home in HOMES)
}
