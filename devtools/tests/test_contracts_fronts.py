"""Fronts in contracts: what they take part in, call and depend on, in a copy broken on purpose."""

import json
from pathlib import Path

import pytest
import yaml

from devtools.contracts import (
    check,
    feature_folders,
    fronts,
    graph,
    required_versions,
    unused_grants,
)
from devtools.tests.contract_tree import Copy

PROFILE = "shared/contracts/profile/feature.yaml"
SLICE = "front-trial/app/features/profile/feature.yaml"
PAGE = "front-trial/app/features/profile/routes/profile.tsx"
PART = "  - name: front-trial\n    provides: [user-interface]\n"
NEEDS = 'dependencies:\n  front-trial:\n    - back-api: ">=1.0.0"\n'


@pytest.fixture
def front(copy: Copy) -> Copy:
    """A copy with one more front, which has the pages of `profile`."""
    manifest = copy.root / "package.json"
    said = json.loads(manifest.read_text()) if manifest.exists() else {"workspaces": []}
    manifest.write_text(json.dumps({**said, "workspaces": [*said["workspaces"], "front-trial"]}))
    (copy.root / PAGE).parent.mkdir(parents=True)
    (copy.root / PAGE).write_text('await api.GET("/api/profile");\n')
    (copy.root / "front-trial/package.json").write_text('{"version": "1.2.0"}')
    copy.replace(PROFILE, "services:\n", f"services:\n{PART}")
    copy.replace(PROFILE, "dependencies:\n", NEEDS)
    copy.sync()
    return copy


def said(copy: Copy) -> str:
    tree = copy.tree()
    found = [
        *check.static(tree, None).wrong,
        *feature_folders.broken(tree.root, tree.fronts, tree.contracts),
        *fronts.calls(tree.root, tree.fronts, tree.contracts),
        *unused_grants.unused(tree.root, tree.services, tree.contracts),
    ]
    return "\n".join(map(str, found))


def test_a_front_keeps_its_slice_and_everything_holds(front: Copy) -> None:
    assert said(front) == ""
    slice_ = yaml.safe_load((front.root / SLICE).read_text())
    assert slice_["service"] == "front-trial"
    assert slice_["provides"] == ["user-interface"]
    assert {"service": "back-api", "path": "/api/profile", "method": "GET"} in slice_["calls"]
    assert {it["service"] for it in slice_["calls"]} == {"back-api"}


def test_a_slice_that_says_something_else_is_named(front: Copy) -> None:
    (front.root / SLICE).write_text("name: profile\n")
    assert f"{SLICE}: differs from the contracts" in said(front)


def test_a_slice_goes_with_its_contract(front: Copy) -> None:
    front.replace(PROFILE, PART, "")
    front.replace(PROFILE, NEEDS, "dependencies:\n")
    assert Path(SLICE) in front.sync().removed


def test_a_feature_without_a_contract_is_named(front: Copy) -> None:
    path = front.root / "front-trial/app/features/weather/ui/map.tsx"
    path.parent.mkdir(parents=True)
    path.write_text("export {};\n")
    assert "front-trial/app/features/weather: no contract weather has front-trial" in said(front)


def test_a_contract_without_pages_is_named(front: Copy) -> None:
    (front.root / PAGE).unlink()
    line = front.line(PROFILE, "name: front-trial")
    assert f"{PROFILE}:{line}: front-trial takes part, but front-trial/app/fea" in said(front)


def test_a_front_depends_on_what_it_calls(front: Copy) -> None:
    front.replace(PROFILE, NEEDS, "dependencies:\n")
    assert "front-trial takes part without depending on back-api" in said(front)


def test_a_front_depends_on_nothing_else(front: Copy) -> None:
    front.replace(PROFILE, NEEDS, f'{NEEDS}    - back-postgres: ">=1.0.0"\n')
    front.sync()
    assert "front-trial depends on back-postgres, and calls nothing of it here" in said(front)


def test_the_version_of_a_service_is_one_that_the_front_takes(front: Copy) -> None:
    front.replace(PROFILE, NEEDS, NEEDS.replace(">=1.0.0", ">=9.0.0"))
    assert "front-trial needs back-api >=9.0.0, and back-api/pyproject.toml says" in said(front)


def test_a_call_to_the_api_of_another_contract_is_named(front: Copy) -> None:
    front.replace(PAGE, "\n", '\nawait api.GET("/api/notifications");\n')
    expected = (
        f"{PAGE}:2: /api/notifications is of the contract notifications, in which front-trial"
    )
    assert expected in said(front)


def test_a_front_that_calls_nothing_takes_no_part(front: Copy) -> None:
    front.replace(PAGE, "/api/profile", "/app/profile")
    assert "front-trial takes part, and calls nothing of this contract" in said(front)


def test_a_front_is_released_after_what_it_calls(front: Copy) -> None:
    text = graph.text(front.tree().contracts)
    release = next(line for line in text.splitlines() if line.startswith("release:"))
    assert release.index("back-api") < release.index("front-trial")
    assert "front-trial\n  calls back-api\n    /api/profile\n" in text


def test_a_change_that_breaks_browsers_names_the_fronts(front: Copy) -> None:
    before = front.tree().documents
    front.replace(PROFILE, "    path: /api/profile\n", "    path: /api/me\n")
    after = front.tree()
    verdict = required_versions.verdict(before, after.documents, after.contracts)
    assert any("breaks front-trial" in str(it) for it in verdict.breaks)
