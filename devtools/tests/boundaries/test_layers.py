"""import-linter and deptry on a copy of each service with one line too many."""

import re
from collections.abc import Callable

import pytest

from devtools.tests.boundaries.conftest import Break, Run

DOMAIN = "features/profile/domain.py"
LAYERS = [
    ("back-api", DOMAIN, "import fastapi", "HTTP belongs in api.py"),
    ("back-api", DOMAIN, "import aiohttp", "calls belong in infrastructure.py"),
    ("back-api", DOMAIN, "import requests", "calls belong in infrastructure.py"),
    ("back-api", "features/profile/rates.py", "import fastapi", "HTTP belongs in api.py"),
    ("back-api", DOMAIN, "import features.profile.rates", "HTTP belongs in api.py"),
    ("back-api", DOMAIN, "from shared.kit import Service", "shared.kit.runtime"),
    ("back-api", DOMAIN, "from settings import Settings", "-> settings"),
    ("back-api", DOMAIN, "from features.profile.api import router", "features.profile.api"),
    ("back-api", "features/profile/api.py", "import features.profile.infrastructure", "wires"),
    ("back-auth", "features/sessions/domain.py", "import fastapi", "HTTP belongs in api.py"),
    ("back-auth", "services/password_service.py", "import features.sessions.domain", "argument"),
    ("back-postgres", "routes/users.py", "import asyncpg", "A statement is a method of"),
    ("back-postgres", "routes/users.py", "import database", "A statement is a method of"),
    ("back-postgres", "repositories/user_repository.py", "import routes.users", "make them HTTP"),
    ("back-cassandra", "routes/audit.py", "import cassandra", "A statement is a method of"),
    ("back-redis", "routes/sessions.py", "import valkey_client", "A statement is a method of"),
    ("back-websockets", "routes/x.py", "import shared.kit.http.client", "live_subscription.py"),
    ("back-workers", "relay/consumers.py", "import tasks.mail", "through the broker"),
    (".", "shared/kit/errors.py", "import shared.kit.runtime.service", "runtime wires"),
    (".", "shared/kit/http/client.py", "import shared.kit.auth.guards", "as a protocol"),
    (".", "shared/kit/errors.py", "import shared.testing.clock", "No image holds"),
    (".", "shared/security/jwt.py", "import shared.secrets_init", "third module"),
    ("devtools", "workspace/errors.py", "import devtools.stack.control", "in workspace"),
    ("devtools", "checks/tree.py", "import devtools.cli", "rooms"),
]


@pytest.mark.parametrize("folder", dict.fromkeys(it[0] for it in LAYERS))
def test_each_layer_that_is_broken_is_refused(add: Break, refused: Run, folder: str) -> None:
    lines = [it[1:] for it in LAYERS if it[0] == folder]
    for file in {it[0] for it in lines}:
        add(f"{folder}/{file}", "\n".join(line for path, line, _ in lines if path == file))

    broken = refused(folder, "lint-imports", "--no-logo", "--no-cache").partition("Broken cont")[2]

    for file, line, says in lines:
        module = file.removesuffix(".py").replace("/", ".")
        imported = line.split()[1]
        assert says in broken
        assert re.search(rf"{module} -> {imported}\b", broken), f"{module} -> {imported}"


def test_an_import_that_is_not_declared_is_refused(add: Break, refused: Run) -> None:
    add("back-api/main.py", "import numpy, pytest, yarl")

    said = refused("back-api", "deptry", ".", "--no-ansi")

    assert "DEP001 'numpy' imported but missing" in said
    assert "DEP003 'yarl' imported but it is a transitive dependency" in said
    assert "DEP004 'pytest' imported but declared as a dev dependency" in said


def test_a_declaration_that_nothing_imports_is_refused(
    replace: Callable[[str, str, str], None], refused: Run
) -> None:
    replace("back-api/pyproject.toml", '"tools-dashboard",', '"tools-dashboard",\n    "yarl",')

    assert "DEP002 'yarl' defined as a dependency but not" in refused(
        "back-api", "deptry", ".", "--no-ansi"
    )
