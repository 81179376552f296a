"""The programs behind the checks, each seeing one broken file."""

from pathlib import Path

import pytest

from devtools.checks import tools
from devtools.checks.run import Check, run
from devtools.checks.tree import Tree
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT, UV

pytestmark = pytest.mark.skipif(not UV.exists(), reason="environments are made by ./dev")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "ruff.toml").write_text((ROOT / "ruff.toml").read_text())
    return Tree(tmp_path)


async def test_lint_names_the_rule_that_is_broken(tree: Tree) -> None:
    (tree.root / "x.py").write_text("import os\n")

    assert "F401" in await tools.lint(tree, tree.root)


async def test_layout_is_that_of_the_formatter(tree: Tree) -> None:
    (tree.root / "x.py").write_text("x=1\n")

    assert "x.py" in await tools.layout(tree, tree.root)


async def test_what_is_tidy_passes(tree: Tree) -> None:
    (tree.root / "x.py").write_text("x = 1\n")

    assert await tools.lint(tree, tree.root) == ""
    assert await tools.layout(tree, tree.root) == ""


async def test_a_migration_that_locks_a_table_is_refused(tree: Tree) -> None:
    versions = tree.root / "back-postgres" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_x.up.sql").write_text("CREATE INDEX users_email ON users (email);\n")

    assert "require-concurrent-index-creation" in await tools.migrations(tree)


async def test_taking_a_migration_back_is_not_linted(tree: Tree) -> None:
    versions = tree.root / "back-postgres" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_x.down.sql").write_text("DROP TABLE users;\n")

    assert await tools.migrations(tree) == ""


async def test_a_secret_is_found_with_its_line(tree: Tree) -> None:
    (tree.root / ".secrets.baseline").write_text((ROOT / ".secrets.baseline").read_text())
    (tree.root / "x.yml").write_text("a: 1\ntoken: ghp" + "_" + "a" * 36 + "\n")
    (tree.root / "y.yml").write_text("url: postgres://u:" + "hunter2hunter2@db.example\n")
    (tree.root / "z.py").write_text("x = 1\n")

    said = await tools.secrets(tree)

    assert "x.yml:2: GitHub Token: read it by settings.secret" in said
    assert "y.yml:1: Basic Auth Credentials" in said
    assert "z.py" not in said


async def test_a_link_to_no_file_or_heading_is_found(tree: Tree) -> None:
    (tree.root / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tree.root / "README.md").write_text("# Start\n")
    page = "[a](gone.md) [b](../README.md#end)\n[c](../README.md#start) `[x](gone.md)`\n"
    (tree.root / "docs").mkdir()
    (tree.root / "docs" / "x.md").write_text(page)

    said = await tools.links(tree)

    assert "docs/x.md:1:5: [MD057] Relative link 'gone.md' does not exist" in said
    assert "docs/x.md:1:14: [MD051] Link fragment 'end' not found" in said
    assert "docs/x.md:2" not in said


async def test_the_variables_of_settings_classes_are_read() -> None:
    fields = await tools.settings_fields(Tree(ROOT))

    assert {"LOG_LEVEL", "SECRETS_DIR", "POSTGRES_HOST"} <= fields["back-postgres"]
    assert "POSTGRES_HOST" not in fields["back-api"]
    assert {"GATEWAY_PORT"} <= fields["back-gateway"]


async def test_a_check_that_can_not_run_has_failed() -> None:
    async def refuse() -> str:
        raise DevError("the disk is full")

    (result,) = await run([Check("lint", "all", refuse)])

    assert result.complaint == "the disk is full"
