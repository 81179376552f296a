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


async def test_a_check_that_can_not_run_has_failed() -> None:
    async def refuse() -> str:
        raise DevError("the disk is full")

    (result,) = await run([Check("lint", "all", refuse)])

    assert result.complaint == "the disk is full"
