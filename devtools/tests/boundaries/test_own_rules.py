"""The rules that no tool knows, each broken once in a copy of this repository."""

from collections.abc import Callable

import pytest

from devtools.checks.compose import unread_variables
from devtools.checks.run import RULES, chosen
from devtools.checks.tree import Tree
from devtools.cli import command_tree
from devtools.tests.boundaries.conftest import Break
from devtools.workspace.errors import DevError

Replace = Callable[[str, str, str], None]
COMPOSE = "docker-compose.yml"
FIELDS = {"back-api": {"LOG_LEVEL"}}
ADDED = [
    ("made-at-import", "back-api/x.py", "\nsettings = Settings()", "Make it in app()", 2),
    ("made-at-import", "shared/x.py", "class A:\n    b = s.secret('x')", "app()", 2),
    (
        "made-at-import",
        "back-redis/x.py",
        "from redis.asyncio import Redis\nredis = Redis()",
        "service.resource",
        2,
    ),
    (
        "made-at-import",
        "back-api/x.py",
        "from fastapi import FastAPI\napp = FastAPI()",
        "Make it in app()",
        2,
    ),
    ("machine-paths", "docs/x.md", "see\n/home/" + "ada/tools", "path of one machine", 2),
    ("machine-paths", "back-api/x.py", "X = '/root" + "/x'", "Make it relative", 1),
    ("machine-paths", "x.toml", "index-url" + " = 'https://a.example/'", "only lock files", 1),
    ("secret-files", ".env", "A=1", "secrets_init.py makes them", 1),
    ("secret-files", "back-api/key.pem", "", "secrets_init.py makes them", 1),
]


@pytest.mark.parametrize("rule,file,text,says,line", ADDED)
def test_what_breaks_a_rule_is_found_where_it_is(  # noqa: PLR0917 - a row of the table
    tree: Tree, add: Break, rule: str, file: str, text: str, says: str, line: int
) -> None:
    add(file, text)

    (found,) = RULES[rule](tree)

    assert says in found.what
    assert (tree.relative(found.path), found.line) == (file, line)


@pytest.mark.parametrize(
    "rule,file,text",
    [
        ("made-at-import", "back-api/x.py", 'if __name__ == "__main__":\n    Settings()'),
        ("made-at-import", "back-api/x.py", "def app():\n    return FastAPI()"),
        ("machine-paths", "x/uv.lock", 'source = { registry = "https://pypi' + '.org/simple" }'),
        ("secret-files", ".env.example", "A="),
    ],
)
def test_what_is_allowed(tree: Tree, add: Break, rule: str, file: str, text: str) -> None:
    add(file, text)

    assert list(RULES[rule](tree)) == []


class TestEnvironmentsApart:
    @pytest.mark.parametrize(
        "locked,said",
        [
            ('{ name = "asyncpg" }', "gets asyncpg: back-postgres owns PostgreSQL"),
            ('{ name = "alembic" }', "gets sqlalchemy by alembic: back-postgres owns PostgreSQL"),
            ('{ name = "celery", extra = ["redis"] }', "gets redis by celery: back-redis owns"),
            ('{ name = "cassandra-driver" }', "gets cassandra-driver: back-cassandra owns"),
        ],
    )
    def test_a_driver_of_somebody_else_is_found(
        self, tree: Tree, replace: Replace, locked: str, said: str
    ) -> None:
        start = 'name = "back-api"\nversion = "1.0.0"\nsource = { virtual = "back-api" }\n'
        replace("uv.lock", f"{start}dependencies = [", f"{start}dependencies = [ {locked},")

        found = list(RULES["environments-apart"](tree))

        assert f"the environment of back-api {said}" in "\n".join(it.what for it in found)

    def test_a_service_without_a_boundary_is_found(self, tree: Tree) -> None:
        (tree.root / "back-api" / "ruff.toml").rename(tree.root / "kept")
        try:
            (found,) = RULES["environments-apart"](tree)
        finally:
            (tree.root / "kept").rename(tree.root / "back-api" / "ruff.toml")

        assert "back-api states no boundary. Copy the ruff.toml" in found.what


class TestEnginesApart:
    @pytest.mark.parametrize(
        "old,new,says",
        [
            (
                "secrets-back-api:/secrets:ro",
                "secrets-back-postgres:/secrets:ro",
                "back-api mounts the secrets of back-postgres: a service knows its own alone",
            ),
            (
                "    <<: *python\n    build: {context: ., args: {SERVICE: back-auth}}",
                "    <<: *python\n    networks: [engine-valkey]\n    build: {args: {SERVICE: x}}",
                "back-auth joins engine-valkey, the network of back-redis and its engine. Leave it",
            ),
        ],
    )
    def test_a_stranger_is_refused(
        self, tree: Tree, replace: Replace, old: str, new: str, says: str
    ) -> None:
        replace(COMPOSE, old, new)

        assert says in "\n".join(it.what for it in RULES["engines-apart"](tree))


class TestSecrets:
    @pytest.mark.parametrize(
        "after,key",
        [('      UVICORN_PORT: "8100"\n', "      API_PASSWORD"), ("  back-api:\n", "    env_file")],
    )
    def test_one_in_an_environment_is_found(
        self, tree: Tree, replace: Replace, after: str, key: str
    ) -> None:
        replace(COMPOSE, after, f"{after}{key}: x\n")

        (found,) = RULES["secret-files"](tree)

        assert f"back-api gets {key.strip()}: secrets come by files" in found.what


class TestVariables:
    def test_one_that_no_settings_class_reads_is_found(self, tree: Tree, replace: Replace) -> None:
        replace(COMPOSE, 'UVICORN_PORT: "8100"', 'UVICORN_PORT: "8100"\n      POOL_SIZES: "10"')

        found = {it.what: it.line for it in unread_variables(tree, FIELDS)}

        what = next(it for it in found if "back-api gets POOL_SIZES" in it)
        assert "and no settings class of back-api reads it" in what
        lines = (tree.root / COMPOSE).read_text().splitlines()
        assert "POOL_SIZES" in lines[found[what] - 1]

    def test_what_a_program_or_a_literal_reads_is_known(self, tree: Tree) -> None:
        said = "\n".join(it.what for it in unread_variables(tree, FIELDS))

        assert "UVICORN" not in said
        assert "back-gateway gets BACK_API_URL" not in said
        assert "LOG_LEVEL" not in "".join(it for it in said.splitlines() if "back-api gets" in it)


def test_a_file_that_is_no_python_is_named(tree: Tree, add: Break) -> None:
    add("back-api/x.py", "def")

    with pytest.raises(DevError, match=r"back-api/x\.py:1: "):
        list(RULES["made-at-import"](tree))


def test_checks_are_chosen_by_member_by_name_or_all_boundaries(tree: Tree) -> None:
    dev = command_tree()
    assert {check.part for check in chosen(tree, "back-api", dev)} == {"back-api"}
    assert {check.name for check in chosen(tree, "layers", dev)} == {"layers"}
    assert {check.name for check in chosen(tree, "boundaries", dev)} > {*RULES, "lint", "layers"}
    assert len(chosen(tree, None, dev)) > len(chosen(tree, "back-api", dev))
    with pytest.raises(DevError, match="nothing called 'typos'"):
        chosen(tree, "typos", dev)
