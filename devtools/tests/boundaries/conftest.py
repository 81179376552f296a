"""A small copy of the repository's layout that breaks no rule."""

from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.checks.tree import Tree

Write = Callable[[str, str], None]

SERVICES = {
    "back-api": "tools-dashboard",
    "back-auth": "tools-dashboard",
    "back-postgres": "asyncpg>=0.32",
    "back-redis": "redis[hiredis]>=8",
    "back-workers": "celery[redis]>=5",
}
MEMBERS = [*SERVICES, "devtools", "mailbox"]
PROJECT = '[project]\nname = "{name}"\ndependencies = [\n{dependencies}]\n'
GROUPS = "[dependency-groups]\ndev = ['pytest']\n"
TABLES = """{"endpoints": [
  {"service": "back-postgres", "method": "GET", "path": "/users/{user_id}", "callers": ["back-api"]}
]}
"""
DOCUMENT = """{"paths": {
  "/health/live": {"get": {}},
  "/users/{user_id}": {"get": {"security": [{"service": ["users:read"]}]}}
}}
"""
COMPOSE = """services:
  secrets-init:
    volumes: ["secrets-back-api:/of/back-api", "secrets-back-postgres:/of/back-postgres"]
  back-api:
    networks: [services]
    volumes: ["secrets-back-api:/secrets:ro"]
  back-api-twin:
    networks: [services]
    volumes: ["secrets-back-api:/secrets:ro"]
  back-postgres:
    networks: [services, engine-postgres]
    volumes: ["secrets-back-postgres:/secrets:ro"]
  postgres:
    networks: [engine-postgres]
    volumes: ["secrets-back-postgres:/secrets:ro"]
"""
FILES = {
    "pyproject.toml": PROJECT.format(
        name="tools-dashboard", dependencies='"aiohttp",\n"fastapi",\n"pyjwt",\n"structlog",\n'
    )
    + f"{GROUPS}[tool.uv.workspace]\nmembers = {MEMBERS}\n",
    "uv.lock": """
[[package]]
name = "celery"
dependencies = [{ name = "kombu" }]
[package.optional-dependencies]
redis = [{ name = "redis" }]
[[package]]
name = "databases"
dependencies = [{ name = "asyncpg" }]
""",
    "docker-compose.yml": COMPOSE,
    "shared/__init__.py": "",
    "shared/kit/contract_registry.json": TABLES,
    "shared/contracts/generated/openapi/back-postgres.json": DOCUMENT,
    "shared/contracts/generated/openapi/back-auth.json": '{"paths": {"/auth/login": {"post": {}}}}',
    "shared/kit/__init__.py": "from shared.kit.http.client import ServiceClient\n",
    "shared/kit/http/client.py": (
        "from shared.kit.http.transport import Http\nimport structlog, fastapi\n"
    ),
    "shared/kit/http/transport.py": "import aiohttp\n",
    "shared/kit/auth/service_identity.py": "import jwt\n\nsign = lambda: jwt.encode({}, '')\n",
    "shared/testing/asgi_client.py": "import pytest\n",
    "shared/security/signing.py": "import jwt\n\nsign = lambda: jwt.encode({}, '')\n",
    "devtools/__init__.py": "",
    "devtools/pyproject.toml": PROJECT.format(name="devtools", dependencies=""),
    "mailbox/pyproject.toml": PROJECT.format(name="mailbox", dependencies=""),
    "mailbox/main.py": "import smtp\n",
    "mailbox/smtp.py": "",
    "back-api/features/profile/domain.py": "from shared.kit.errors import NotFound\n",
    "back-api/features/profile/api.py": "from fastapi import APIRouter\n",
    "back-api/features/profile/infrastructure.py": (
        'def user(postgres, id):\n    return postgres.get(f"/users/{id}")\n'
    ),
    "back-api/main.py": "from features.profile.domain import NotFound\n",
    "back-api/tests/test_x.py": "import pytest\nimport shared.security.signing\n",
    "back-auth/main.py": "from shared.security.signing import generate_jwt\n",
    "back-postgres/main.py": "from repositories.users import UserRepository\nimport asyncpg\n",
    "back-postgres/repositories/users.py": 'FIND = "SELECT id FROM users WHERE id = $1"\n',
    "back-redis/main.py": "import redis.asyncio\n",
    "back-workers/main.py": "import celery, redis\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for name, text in FILES.items():
        write_file(tmp_path, name, text)
    for service, dependency in SERVICES.items():
        lines = f'"{dependency}",\n'
        if service == "back-auth":
            lines += '"argon2-cffi",\n'
            write_file(tmp_path, "back-auth/services/password_service.py", "import argon2\n")
        project = PROJECT.format(name=service, dependencies=lines) + GROUPS
        write_file(tmp_path, f"{service}/pyproject.toml", project)
    return Tree(tmp_path)


@pytest.fixture
def write(tree: Tree) -> Write:
    return lambda name, text: write_file(tree.root, name, text)


def write_file(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
