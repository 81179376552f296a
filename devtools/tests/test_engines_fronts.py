"""Packages and builds of the fronts, with a stub in the place of Node."""

from pathlib import Path

import pytest

from devtools.engines import fronts, node_packages
from devtools.workspace.errors import DevError

# $1 is npm's script, the rest are npm's arguments.
NODE = """\
#!/bin/sh
echo "$(basename "$PWD"): $*" >> {calls}
if [ "$2" = ci ]; then mkdir -p node_modules; fi
if [ "$2" = run ]; then
    [ ! -e broken ] || {{ echo "page.tsx(3,1): what is this?"; exit 1; }}
    mkdir -p build
fi
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log of a stub of Node."""
    log, node = tmp_path / "calls", tmp_path / "node"
    log.touch()
    node.write_text(NODE.format(calls=log))
    node.chmod(0o755)

    async def node_and_npm() -> tuple[Path, Path]:
        return node, Path("npm.js")

    monkeypatch.setattr(node_packages, "node_and_npm", node_and_npm)
    monkeypatch.setattr(fronts, "RUN", tmp_path / "run")
    return log


@pytest.fixture
def front(tmp_path: Path) -> Path:
    for name in ("front-kit/server.ts", "front-trial/app/page.tsx", "front-trial/package.json"):
        path = tmp_path / "clone" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    (tmp_path / "clone" / fronts.LOCK).write_text("one")
    (tmp_path / "clone" / "package.json").write_text('{"workspaces": ["front-trial"]}')
    return tmp_path / "clone" / "front-trial"


async def built(front: Path, calls: Path) -> list[str]:
    """What one build let Node do."""
    calls.write_text("")
    await fronts.build(front, front.parent)
    return [line.split()[2] for line in calls.read_text().splitlines()]


async def test_what_is_up_to_date_is_left_alone(front: Path, calls: Path) -> None:
    assert await built(front, calls) == ["ci", "run"]
    assert await built(front, calls) == []


@pytest.mark.parametrize(
    "path,work",
    [
        ("front-trial/app/page.tsx", ["run"]),
        ("front-trial/app/new.tsx", ["run"]),
        ("front-kit/server.ts", ["run"]),
        ("shared/contracts/generated/types.ts", ["run"]),
        ("shared/contracts/generated/openapi/back-api.json", ["run"]),
        ("shared/kit/contract_registry.json", ["run"]),
        ("package-lock.json", ["ci", "run"]),
        ("front-trial/package.json", ["ci", "run"]),
        ("front-trial/CONTEXT.md", []),
        ("front-trial/node_modules/left-pad.js", []),
        ("front-public/app/page.tsx", []),
    ],
)
async def test_a_change_is_built_where_it_matters(
    front: Path, calls: Path, path: str, work: list[str]
) -> None:
    await built(front, calls)
    changed = front.parent / path
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_text("two")
    assert await built(front, calls) == work


async def test_removed_packages_are_installed_again(front: Path, calls: Path) -> None:
    await built(front, calls)
    (front.parent / "node_modules").rename(front.parent / "elsewhere")
    assert await built(front, calls) == ["ci"]


async def test_a_failed_build_says_why_and_is_tried_again(front: Path, calls: Path) -> None:
    await built(front, calls)
    (front / "broken").touch()
    for _ in range(2):
        with pytest.raises(DevError, match=r"(?s)front-trial can't be built.*page\.tsx\(3,1\)"):
            await built(front, calls)
    (front / "broken").unlink()
    assert await built(front, calls) == ["run"]
