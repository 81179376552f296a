"""Each rule, broken on purpose: it says where, and where the thing belongs."""

from dataclasses import dataclass

import pytest

from devtools.checks.run import BOUNDARIES as RULES
from devtools.checks.run import chosen
from devtools.checks.tree import Tree
from devtools.tests.boundaries.conftest import COMPOSE, DOCUMENT, Write
from devtools.workspace.errors import DevError

DOMAIN = "back-api/features/f/domain.py"
ROUTE = "back-postgres/routes/x.py"
TEST = "back-api/tests/test_y.py"


@dataclass(frozen=True)
class Break:
    """One file that breaks one rule at one line, and words that the message must have."""

    rule: str
    file: str
    text: str
    says: str
    line: int = 1


BREAKS = [
    Break("own-and-shared", "back-api/x.py", "import os\nimport repositories", "back-postgres", 2),
    Break("own-and-shared", "back-api/x.py", "from devtools.cli import main", "kit's client"),
    Break("own-and-shared", "shared/x.py", "from features.profile import domain", "back-api"),
    Break("own-and-shared", "devtools/x.py", "import repositories", "HTTP only"),
    Break("pure-domain", DOMAIN, "import fastapi", "api.py"),
    Break("pure-domain", DOMAIN, "import aiohttp", "infrastructure.py"),
    Break("pure-domain", DOMAIN, "import requests\nrequests.get('/')", "infrastructure.py"),
    Break("pure-domain", DOMAIN, "from shared.kit import Service", "errors and the context"),
    Break("pure-domain", DOMAIN, "from features.profile.api import x", "outer layers"),
    Break(
        "pure-domain",
        "back-api/features/f/domain/rules.py",
        "from features.f.infrastructure import Users",
        "outer layers",
    ),
    Break("drivers", "back-api/x.py", "import asyncpg", "only back-postgres opens"),
    Break("drivers", "back-api/x.py", "import sqlite3", "only back-postgres opens"),
    Break("drivers", "back-api/x.py", "__import__('asyncpg')", "only back-postgres opens"),
    Break("drivers", "back-postgres/x.py", "import cassandra.cluster", "only back-cassandra"),
    Break("drivers", "shared/x.py", "from redis.asyncio import Redis", "only back-redis and"),
    Break("drivers", "back-redis/x.py", "from valkey.asyncio import Valkey", "is redis"),
    Break("drivers", "back-redis/x.py", "import kombu", "only back-workers"),
    Break("drivers", "back-api/x.py", "import celery", "only back-workers"),
    Break("drivers", TEST, "import asyncpg", "only back-postgres opens"),
    Break("http-clients", "back-api/x.py", "import httpx", "service.client"),
    Break("http-clients", "back-auth/x.py", "import urllib.request", "ServiceClient"),
    Break("http-clients", "shared/kit/x.py", "from aiohttp import ClientSession", "ServiceClient"),
    Break("http-clients", "mailbox/x.py", "import requests", "ServiceClient"),
    Break("mail", "back-auth/x.py", "import smtplib", "only back-workers sends mail"),
    Break("hashing", "back-api/x.py", "from argon2 import PasswordHasher", "only back-auth"),
    Break("hashing", "back-api/x.py", "import hashlib\n\nhashlib.scrypt(b'')", "only back-auth", 3),
    Break("hashing", "shared/x.py", "from hashlib import pbkdf2_hmac", "only back-auth"),
    Break("signing", "back-api/x.py", "import shared.security.signing", "only back-auth signs"),
    Break("signing", "devtools/x.py", "from shared.security import signing", "only back-auth"),
    Break("signing", "shared/kit/x.py", "import shared.security.signing", "only back-auth signs"),
    Break("signing", "back-api/x.py", "import jwt as j\n\nj.encode({}, '')", "Ask back-auth", 3),
    Break("signing", "back-auth/x.py", "from jwt import encode", "shared/security/signing.py"),
    Break("signing", "shared/kit/x.py", "import jwt\njwt.encode({}, '')", "identity.py", 2),
    Break("signing", "back-api/x.py", "import cryptography.x509", "private keys"),
    Break(
        "user-tokens", ROUTE, "from shared.kit.auth.guards import CurrentUser", "calls_with_scope"
    ),
    Break("user-tokens", "back-workers/x.py", "import jwt", "no user token"),
    Break("no-calls", ROUTE, "from shared.kit import ServiceClient", "calls no other service"),
    Break("no-loops", "back-api/x.py", "import asyncio\nasyncio.create_task(x())", "back-work", 2),
    Break("problems", "back-api/x.py", "from fastapi import HTTPException", "shared/kit/errors"),
    Break("environment", "back-api/x.py", "import os\nX = os.environ['X']", "settings.py", 2),
    Break(
        "logging", "back-api/x.py", "import logging\nlogging.getLogger(__name__)", "structlog", 2
    ),
    Break("blocking", "back-api/x.py", "from time import sleep", "stops every request"),
    Break(
        "statements",
        ROUTE,
        'TABLE = "users"\nQUERY = f"""\n  SELECT *\n  FROM {TABLE} """',
        "a method of a repository",
        2,
    ),
    Break("statements", ROUTE, "def f(table):\n    return f'DELETE FROM {table}'", "repository", 2),
    Break("statements", ROUTE, "def f(t):\n    return f'UPDATE {t} SET a = 1'", "repository", 2),
    Break("statements", ROUTE, "X = 'select id from users where id = 1'", "repository"),
    Break("statements", "back-api/x.py", 'X = "DELETE FROM users"', "which has no database"),
    Break("statements", "back-api/repositories/x.py", "X = 'DROP TABLE x'", "has no database"),
    Break("statements", "shared/x.py", "X = 'INSERT INTO users (id) VALUES (1)'", "no database"),
    Break("calls", "back-api/x.py", "postgres.get('/secrets')", "GET /secrets at back-postgres"),
    Break("calls", "back-api/x.py", "self._postgres.post(f'/users/{i}')", "POST /users/{}"),
    Break("calls", "back-api/x.py", "path = f'/users/{i}/x'\nclient.get(path)", "callers", 2),
    Break("calls", "back-api/x.py", "postgres.call('PUT', '/users/1')", "PUT /users/1"),
    Break("calls", "back-api/x.py", "redis.events('/streams/live')", "GET /streams/live"),
    Break("calls", "back-auth/x.py", "postgres.get(f'/users/{i}')", "back-auth call GET"),
    Break("calls", "back-api/x.py", "redis = service.client('back-redis')", "no contract"),
    Break(
        "guards",
        "shared/contracts/generated/openapi/back-postgres.json",
        DOCUMENT.replace('"service"', '"user"').strip(),
        "GET /users/{user_id} of back-postgres lets in everybody",
        3,
    ),
    Break("imports-declared", "back-api/x.py", "import numpy", "does not declare"),
    Break("imports-declared", "back-api/x.py", "import pytest", "production has no pytest"),
    Break("imports-declared", "back-redis/x.py", "import shared.kit", "tools-dashboard"),
    Break("no-test-imports", "back-api/x.py", "import pytest", "Move what is needed"),
    Break("no-test-imports", "back-api/x.py", "from shared.kit import testing", "for tests"),
    Break("settings-at-import", "back-api/x.py", "settings = Settings()", "Make it in app()"),
    Break("settings-at-import", "back-api/x.py", "class A:\n    b = s.secret('x')", "app()", 2),
    Break(
        "connections-at-import",
        "back-redis/x.py",
        "from redis.asyncio import Redis\nvalkey = Redis()",
        "service.resource",
        2,
    ),
    Break(
        "connections-at-import",
        "back-api/x.py",
        "from fastapi import FastAPI\napp = FastAPI()",
        "app()",
        2,
    ),
    Break(
        "sleeps-in-tests",
        TEST,
        "import asyncio\nasync def test_x():\n    await asyncio.sleep(1)",
        "in a loop with a deadline",
        3,
    ),
    Break("small-files", "back-api/x.py", "x = 1\n" * 401, "at most 400", 400),
    Break("machine-paths", "docs/x.md", "see\n/home/" + "ada/tools", "path of one machine", 2),
    Break("machine-paths", "back-api/x.py", "X = '/root" + "/x'", "Make it relative"),
    Break("machine-paths", "x.toml", "index-url" + " = 'https://a.example/'", "only lock files"),
    Break("secrets", ".env", "A=1", "secrets_init"),
    Break("secrets", "back-api/key.pem", "", "secrets_init"),
    Break("secrets", "x.yml", "token: ghp" + "_" + "a" * 36, "looks like a secret"),
    Break("secrets", "x.yml", "url: postgres://u:" + "hunter2hunter2@db.example", "secret"),
]


@pytest.mark.parametrize("name", RULES)
def test_a_tidy_repository_breaks_no_rule(tree: Tree, name: str) -> None:
    assert [(tree.relative(it.path), it.line, it.what) for it in RULES[name](tree)] == []


@pytest.mark.parametrize("broken", BREAKS, ids=lambda it: f"{it.rule}: {it.text[:40]}")
def test_breaking_a_rule_is_found_where_it_is_and_told_why(
    tree: Tree, write: Write, broken: Break
) -> None:
    write(broken.file, f"{broken.text}\n")

    found = list(RULES[broken.rule](tree))

    assert [(tree.relative(it.path), it.line) for it in found] == [(broken.file, broken.line)]
    assert broken.says in found[0].what


def test_every_rule_is_broken_by_a_test() -> None:
    elsewhere = {"declarations-used", "environments-apart", "engines-apart"}
    assert {it.rule for it in BREAKS} | elsewhere == set(RULES)


class TestThroughSomethingElse:
    def test_a_module_of_shared_that_opens_a_database_is_found_at_who_imports_it(
        self, tree: Tree, write: Write
    ) -> None:
        write("shared/kit/store.py", "import asyncpg\n")
        write("shared/kit/lists.py", "from shared.kit import store\n")
        write("back-api/x.py", "\nfrom shared.kit.lists import Lists\n")

        found = {tree.relative(it.path): it for it in RULES["drivers"](tree)}

        assert set(found) == {"shared/kit/store.py", "back-api/x.py"}
        assert found["back-api/x.py"].line == 2
        way = "through shared/kit/lists.py → shared/kit/store.py → asyncpg"
        assert way in found["back-api/x.py"].what

    def test_a_domain_is_held_to_what_its_own_modules_import(
        self, tree: Tree, write: Write
    ) -> None:
        write("back-api/services/__init__.py", "")
        write("back-api/services/prices.py", "from services import rates\n")
        write("back-api/services/rates.py", "import fastapi\n")
        write(DOMAIN, "from services.prices import price\n")

        (finding,) = RULES["pure-domain"](tree)

        assert "services.prices → services.rates → fastapi" in finding.what

    def test_a_library_that_brings_a_driver_is_found(self, tree: Tree, write: Write) -> None:
        write("back-api/pyproject.toml", _project("back-api", "tools-dashboard", "databases>=1"))

        (finding,) = RULES["environments-apart"](tree)

        assert (finding.path.parent.name, finding.line) == ("back-api", 5)
        assert "gets asyncpg by databases: only back-postgres opens" in finding.what

    def test_an_extra_that_brings_a_driver_is_found(self, tree: Tree, write: Write) -> None:
        write("back-redis/pyproject.toml", _project("back-redis", "redis", "celery[redis]"))

        names = {it.what.partition(":")[0] for it in RULES["environments-apart"](tree)}

        assert "the environment of back-redis gets kombu by celery" in names


class TestDeclared:
    def test_a_driver_of_someone_else(self, tree: Tree, write: Write) -> None:
        write("back-api/pyproject.toml", _project("back-api", "cassandra_driver>=3"))

        (finding,) = RULES["environments-apart"](tree)

        assert "only back-cassandra opens" in finding.what
        assert finding.line == 4

    def test_what_nothing_imports(self, tree: Tree, write: Write) -> None:
        write("back-api/pyproject.toml", _project("back-api", "tools-dashboard", "yarl", "uvicorn"))

        (finding,) = RULES["declarations-used"](tree)

        assert finding.line == 5
        assert "declares yarl and imports it nowhere" in finding.what


class TestEnginesApart:
    @pytest.mark.parametrize(
        "change,says,line",
        [
            (("networks: [services]", "networks: [services, engine-postgres]"), "Leave it", 4),
            (("back-api:/secrets", "back-postgres:/secrets"), "mounts the secrets", 4),
            (
                ("back-api-twin:\n    networks: [services]", "front:\n    networks: [services]"),
                "front mounts the secrets of back-api",
                7,
            ),
        ],
    )
    def test_a_stranger_is_refused(
        self, tree: Tree, write: Write, change: tuple[str, str], says: str, line: int
    ) -> None:
        write("docker-compose.yml", COMPOSE.replace(*change, 1))

        (finding,) = RULES["engines-apart"](tree)

        assert says in finding.what
        assert finding.line == line


class TestWhatIsAllowed:
    def test_an_engine_may_be_asked_about_itself(self, tree: Tree, write: Write) -> None:
        write("back-postgres/x.py", 'PING = "SELECT release_version FROM system.local"\n')

        assert list(RULES["statements"](tree)) == []

    def test_prose_is_no_statement(self, tree: Tree, write: Write) -> None:
        write(
            "back-api/x.py", '"""Select a user from the list."""\nX = "Update the set of rules"\n'
        )

        assert list(RULES["statements"](tree)) == []

    def test_settings_may_be_read_when_a_command_starts(self, tree: Tree, write: Write) -> None:
        write("back-api/x.py", 'if __name__ == "__main__":\n    Settings()\n')

        assert list(RULES["settings-at-import"](tree)) == []

    def test_a_route_is_no_call(self, tree: Tree, write: Write) -> None:
        write("back-api/x.py", '@routes.get("/api/x")\nasync def x() -> None: ...\n')

        assert list(RULES["calls"](tree)) == []

    def test_health_may_always_be_asked(self, tree: Tree, write: Write) -> None:
        write("back-api/x.py", 'client.get("/health/ready")\n')

        assert list(RULES["calls"](tree)) == []

    def test_a_test_may_wait_in_a_loop_or_for_time_itself(self, tree: Tree, write: Write) -> None:
        write(
            TEST,
            "async def test_x():\n    while not x:\n        await sleep(0.1)\n"
            "    await sleep(0)\n    await sleep(1)  # time: the lease ends\n",
        )

        assert list(RULES["sleeps-in-tests"](tree)) == []

    def test_lock_files_name_registries(self, tree: Tree, write: Write) -> None:
        write("uv.lock", 'source = { registry = "https://pypi' + '.org/simple" }\n')

        assert list(RULES["machine-paths"](tree)) == []


def test_a_file_that_is_no_python_is_named(tree: Tree, write: Write) -> None:
    write("back-api/x.py", "def\n")

    with pytest.raises(DevError, match=r"back-api/x\.py:1: invalid syntax"):
        list(RULES["drivers"](tree))


def test_checks_are_chosen_by_member_by_name_or_all_rules(tree: Tree) -> None:
    assert {check.part for check in chosen(tree, "back-api")} == {"back-api"}
    assert [check.name for check in chosen(tree, "signing")] == ["signing"]
    assert [check.name for check in chosen(tree, "boundaries")] == list(RULES)
    assert len(chosen(tree, None)) > len(chosen(tree, "back-api"))
    with pytest.raises(DevError, match="nothing called 'typos'"):
        chosen(tree, "typos")


def _project(name: str, *dependencies: str) -> str:
    lines = "".join(f'"{it}",\n' for it in dependencies)
    return f'[project]\nname = "{name}"\ndependencies = [\n{lines}]\n'
