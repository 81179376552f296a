"""Each rule, broken on purpose in a small copy of the repository's layout."""

from collections.abc import Callable
from pathlib import Path

import pytest

from devtools.checks import documents, imports, statements
from devtools.checks.run import RULES, Rule, chosen
from devtools.checks.tree import Tree
from devtools.errors import DevError

Write = Callable[[str, str], None]

FILES = {
    "pyproject.toml": '[tool.uv.workspace]\nmembers = ["back-api", "back-auth", "back-postgres", '
    '"back-redis", "devtools", "devtools/mailbox"]\n',
    "shared/__init__.py": "",
    "shared/security/signing.py": "import jwt\n",
    "devtools/__init__.py": "",
    "devtools/mailbox/pyproject.toml": '[project]\nname = "mailbox"\n',
    "devtools/mailbox/main.py": "import smtp\n",
    "devtools/mailbox/smtp.py": "",
    "back-api/features/profile/domain.py": "from shared.kit.errors import NotFound\n",
    "back-api/features/profile/api.py": "from fastapi import APIRouter\n",
    "back-api/main.py": "from features.profile.domain import NotFound\n",
    "back-auth/main.py": "from shared.security.signing import generate_jwt\n",
    "back-postgres/main.py": "from repositories.users import UserRepository\nimport asyncpg\n",
    "back-postgres/repositories/users.py": 'FIND = "SELECT id FROM users WHERE id = $1"\n',
    "back-redis/main.py": "import redis.asyncio\n",
    "README.md": "# Start here\n\n[the service](back-api/main.py) and [above](#start-here)\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for name, text in FILES.items():
        write_file(tmp_path, name, text)
    for service in ("back-api", "back-auth", "back-postgres", "back-redis"):
        dependencies = '["asyncpg>=0.32"]' if service == "back-postgres" else "[]"
        write_file(
            tmp_path,
            f"{service}/pyproject.toml",
            f'[project]\nname = "{service}"\ndependencies = {dependencies}\n',
        )
    return Tree(tmp_path)


@pytest.fixture
def write(tree: Tree) -> Write:
    return lambda name, text: write_file(tree.root, name, text)


def write_file(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def broken(rule: Rule, tree: Tree) -> list[tuple[str, int]]:
    return [(tree.relative(finding.path), finding.line) for finding in rule(tree)]


@pytest.mark.parametrize("name", RULES)
def test_a_tidy_repository_breaks_no_rule(tree: Tree, name: str) -> None:
    assert broken(RULES[name], tree) == []


@pytest.mark.parametrize(
    "rule,file,text,line",
    [
        (imports.own_and_shared, "back-api/x.py", "import os\nimport repositories.users\n", 2),
        (imports.own_and_shared, "back-api/x.py", "from devtools.cli import main\n", 1),
        (imports.own_and_shared, "shared/x.py", "from features.profile import domain\n", 1),
        (imports.own_and_shared, "devtools/x.py", "import repositories\n", 1),
        (imports.pure_domain, "back-api/features/f/domain.py", "import fastapi\n", 1),
        (imports.pure_domain, "back-api/features/f/domain.py", "import aiohttp\n", 1),
        (
            imports.pure_domain,
            "back-api/features/f/domain.py",
            "from shared.kit import Service\n",
            1,
        ),
        (
            imports.pure_domain,
            "back-api/features/f/domain/rules.py",
            "from features.f.infrastructure import Users\n",
            1,
        ),
        (imports.one_signer, "back-api/x.py", "import shared.security.signing\n", 1),
        (imports.one_signer, "devtools/x.py", "from shared.security import signing\n", 1),
        (imports.drivers_at_their_owner, "back-api/x.py", "import asyncpg\n", 1),
        (imports.drivers_at_their_owner, "shared/x.py", "from redis.asyncio import Redis\n", 1),
        (imports.drivers_at_their_owner, "back-postgres/x.py", "import cassandra.cluster\n", 1),
        (
            imports.drivers_at_their_owner,
            "back-api/pyproject.toml",
            '[project]\nname = "back-api"\ndependencies = ["cassandra_driver>=3"]\n',
            1,
        ),
        (imports.no_test_imports, "back-api/x.py", "import pytest\n", 1),
        (
            statements.statements_in_repositories,
            "back-postgres/routes/x.py",
            'TABLE = "users"\nQUERY = f"""\n  SELECT *\n  FROM {TABLE} """\n',
            2,
        ),
        (statements.statements_in_repositories, "back-api/x.py", 'X = "DELETE FROM users"\n', 1),
        (documents.links, "docs/x.md", "# X\n\n[gone](../back-api/gone.py)\n", 3),
        (documents.links, "docs/x.md", "[a heading](../README.md#start-there)\n", 1),
    ],
)
def test_breaking_a_rule_is_found_where_it_is(
    tree: Tree, write: Write, rule: Rule, file: str, text: str, line: int
) -> None:
    write(file, text)

    assert broken(rule, tree) == [(file, line)]


def test_an_engine_may_be_asked_about_itself(tree: Tree, write: Write) -> None:
    write("back-postgres/x.py", 'PING = "SELECT release_version FROM system.local"\n')

    assert broken(statements.statements_in_repositories, tree) == []


def test_tests_may_sign_and_use_pytest(tree: Tree, write: Write) -> None:
    write("back-api/tests/test_x.py", "import pytest\nimport shared.security.signing\n")

    assert broken(imports.one_signer, tree) == []
    assert broken(imports.no_test_imports, tree) == []


def test_links_in_code_are_no_links(tree: Tree, write: Write) -> None:
    write("docs/x.md", "`[a](b)`\n\n```\n[c](d)\n```\n\n[web](https://example.com/x)\n")

    assert broken(documents.links, tree) == []


def test_a_message_names_the_rule_and_the_way_out(tree: Tree, write: Write) -> None:
    write("back-api/x.py", "import repositories.users\n")

    (finding,) = imports.own_and_shared(tree)

    assert "a module of back-postgres" in finding.what
    assert "kit's client" in finding.what


def test_checks_are_chosen_by_member_or_by_name(tree: Tree) -> None:
    assert {check.part for check in chosen(tree, "back-api")} == {"back-api"}
    assert [check.name for check in chosen(tree, "one-signer")] == ["one-signer"]
    assert len(chosen(tree, None)) > len(chosen(tree, "back-api"))
    with pytest.raises(DevError, match="nothing called 'typos'"):
        chosen(tree, "typos")
