"""What a code host reads: its workflow, its owners of code."""

import re
from collections.abc import Iterator

import yaml

from devtools.cli import LAZY, command_tree
from devtools.testing.parts import parts
from devtools.workspace.repository import ROOT


def commands() -> Iterator[list[str]]:
    """The words after `./dev` in every step of the workflow."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            for words in re.findall(r"\./dev +([^\n]+)", step.get("run", "")):
                yield words.split()


def test_the_workflow_calls_commands_that_exist() -> None:
    known = {*command_tree().commands, *LAZY}
    called = [words[0] for words in commands()]
    assert {"check", "test", "up", "down", "milestone"} == set(called)
    assert set(called) <= known


def test_the_workflow_tests_parts_that_exist() -> None:
    named = {words[1] for words in commands() if words[0] == "test" and words[1].isalnum()}
    assert "e2e" in named
    assert named <= set(parts())


def test_owners_have_folders_that_exist() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    owned = [line.split()[0] for line in lines if line.startswith("/")]
    assert owned
    assert [path for path in owned if not (ROOT / path.lstrip("/")).exists()] == []
