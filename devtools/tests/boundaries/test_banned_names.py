"""Each name that a ruff.toml bans, used once: ruff refuses it and says where it belongs."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from devtools.checks.tree import Tree
from devtools.workspace.repository import ROOT

RUFF = str(Path(sys.executable).parent / "ruff")
MEMBERS = [member.name for member in Tree(ROOT).members]
BUT_POSTGRES = sorted({*MEMBERS} - {"back-postgres"})
CALLERS = ["back-api", "back-auth", "back-websockets", "back-workers"]
DATA_SERVICES = ["back-cassandra", "back-postgres", "back-redis"]
SERVICES = [*CALLERS, *DATA_SERVICES]
NO_TOKENS = [*DATA_SERVICES, "back-websockets", "back-workers"]

BOUNDARIES = [
    (BUT_POSTGRES, ("psycopg2", "sqlalchemy", "alembic", "sqlite3"), ""),
    (sorted({*BUT_POSTGRES} - {"bench"}), ("asyncpg",), ""),
    (sorted({*MEMBERS} - {"back-cassandra"}), ("cassandra",), ""),
    (sorted({*MEMBERS} - {"back-redis"}), ("valkey", "glide"), ""),
    (sorted({*MEMBERS} - {"back-redis", "back-workers"}), ("redis",), ""),
    (sorted({*MEMBERS} - {"back-workers"}), ("celery", "kombu", "smtplib", "aiosmtplib"), ""),
    (["back-api"], ("asyncpg",), "back-postgres owns PostgreSQL"),
    (CALLERS, ("aiohttp", "httpx", "requests", "urllib.request", "http.client"), "ServiceClient"),
    (DATA_SERVICES, ("aiohttp", "shared.kit.ServiceClient"), "calls no other service"),
    (sorted({*SERVICES} - {"back-auth"}), ("argon2", "hashlib.scrypt"), "back-auth hashes"),
    (sorted({*SERVICES} - {"back-auth"}), ("cryptography", "shared.security.signing"), ""),
    (["shared", "devtools", "back-api"], ("jwt.encode", "jose"), "signed|signs"),
    (NO_TOKENS, ("jwt", "shared.kit.auth.guards.CurrentUser"), "calls_with_scope"),
    (["back-api"], ("asyncio.create_task", "threading"), "task of back-workers"),
    ([*SERVICES, "shared"], ("fastapi.HTTPException",), "shared/kit/errors.py"),
    ([*SERVICES, "shared"], ("os.environ", "os.getenv"), "Settings in settings.py"),
    ([*SERVICES, "shared"], ("logging.getLogger",), "structlog"),
    ([*SERVICES, "shared"], ("time.sleep",), "stops every request"),
    ([*SERVICES, "shared"], ("pytest", "shared.testing"), "test aids"),
    ([*SERVICES, "shared"], ("devtools",), "no image"),
    (["shared", "devtools"], ("features", "repositories", "main", "settings"), "over HTTP"),
    (["back-gateway", "mailbox"], ("shared", "asyncpg", "httpx", "jwt"), ""),
]


def banned(member: str) -> dict[str, str]:
    rules = tomllib.loads((ROOT / member / "ruff.toml").read_text())
    entries = rules["lint"]["flake8-tidy-imports"]["banned-api"].items()
    return {str(name): str(entry["msg"]) for name, entry in entries}


def ruff(file: str, code: str) -> str:
    command = [RUFF, "check", "--select=TID251", "--output-format=concise", "--stdin-filename"]
    done = subprocess.run(
        [*command, file, "-"],
        cwd=ROOT,
        input=code,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.stdout


def using(name: str) -> str:
    package, _, last = name.rpartition(".")
    return f"from {package} import {last}\n" if package else f"import {name}\n"


@pytest.mark.parametrize("member", MEMBERS)
def test_each_name_is_refused_with_the_place_where_it_belongs(member: str) -> None:
    names = banned(member)

    said = ruff(f"{member}/x.py", "".join(map(using, names)))

    for line, (name, message) in enumerate(names.items(), start=1):
        assert f"x.py:{line}:" in said, name
        assert f"`{name}` is banned: {message}" in said


@pytest.mark.parametrize(
    "member,name,says",
    [
        (member, name, says)
        for members, names, says in BOUNDARIES
        for member in members
        for name in names
    ],
)
def test_a_boundary_is_stated(member: str, name: str, says: str) -> None:
    package = name
    while package not in banned(member):
        assert "." in package, f"{member}/ruff.toml does not ban {name}"
        package = package.rpartition(".")[0]
    assert any(it in banned(member)[package] for it in says.split("|"))


@pytest.mark.parametrize(
    "code",
    [
        "import jwt as j\nj.encode({}, '')",
        "def f():\n    from jwt import encode",
        "import jwt.api_jwt",
    ],
)
def test_a_use_is_refused_wherever_it_is(code: str) -> None:
    assert "TID251" in ruff("back-api/features/profile/api.py", code)


@pytest.mark.parametrize("member", [*MEMBERS, ""])
def test_a_test_does_not_sleep(member: str) -> None:
    code = "import asyncio\nasync def test_x() -> None:\n    await asyncio.sleep(1)\n"

    said = ruff(f"{member}/tests/test_x.py".lstrip("/"), code)

    assert "x.py:3:11: TID251 `asyncio.sleep` is banned: wait for a condition" in said
    assert "banned" not in ruff(f"{member}/tests/waiting.py".lstrip("/"), code)


@pytest.mark.parametrize("member", MEMBERS)
def test_tests_use_what_tests_use(member: str) -> None:
    assert "TID251" not in ruff(
        f"{member}/tests/test_x.py", "import pytest, httpx, os\nos.getenv('X')"
    )
