"""A route that lost its guard, or asks for another one, differs from its document."""

import json
from pathlib import Path

import pytest

from devtools.contracts.check import Tree, differences
from devtools.workspace.repository import ROOT


@pytest.mark.parametrize("instead", [[], [{"service": ["another:scope"]}]])
def test_every_guard_that_is_lost_or_swapped_is_named(instead: list[object]) -> None:
    tree = Tree(ROOT)
    for service, document in tree.documents.openapi.items():
        changed = json.loads(json.dumps(document))
        guarded = []
        for address, operations in changed["paths"].items():
            for method, operation in operations.items():
                if "security" in operation:
                    operation["security"] = instead
                    guarded.append(f"{method.upper()} {address}: /auth should be")

        found = [str(it) for it in differences(tree, service, changed, Path(service, "main.py"))]

        assert len(found) == len(guarded)
        for sentence in guarded:
            assert any(sentence in it for it in found)
