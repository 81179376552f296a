import asyncio
import sys
from pathlib import Path

import pytest

from devtools.engines import wheels
from devtools.workspace import environments
from devtools.workspace.errors import DevError

FAKE_UV = """#!/bin/sh
echo "$UV_PROJECT_ENVIRONMENT $@" >> "{log}"
mkdir -p "$UV_PROJECT_ENVIRONMENT/lib/python3.11/site-packages"
{then}
"""


@pytest.fixture
def uv_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environments, "VENVS", tmp_path / "venvs")
    monkeypatch.setattr(environments, "UV", tmp_path / "uv")
    make_uv(tmp_path)
    return tmp_path / "uv.log"


def make_uv(tmp_path: Path, then: str = "") -> None:
    (tmp_path / "uv").write_text(FAKE_UV.format(log=tmp_path / "uv.log", then=then))
    (tmp_path / "uv").chmod(0o755)


async def test_an_environment_is_made_once(uv_log: Path) -> None:
    venv = await environments.sync("back-api")
    await environments.sync("back-api")
    asked = uv_log.read_text().splitlines()
    assert asked == [
        f"{venv} sync --quiet --frozen --exact --no-default-groups --all-extras --package back-api"
    ]


async def test_groups_have_an_environment_of_their_own(uv_log: Path) -> None:
    venv = await environments.sync("back-api", ("dev",))
    assert venv.name == "back-api+dev"
    assert uv_log.read_text().endswith("--package back-api --group dev\n")
    assert not environments.is_current("back-api")


@pytest.mark.parametrize(
    "output,advice",
    [
        ("No space left on device", "the disk is full"),
        ("error sending request: dns error", "the package index can't be reached"),
        ("No solution", "the environment of back-api could not be made: No solution"),
    ],
)
async def test_a_failure_says_what_to_do(
    uv_log: Path, tmp_path: Path, output: str, advice: str
) -> None:
    make_uv(tmp_path, f"echo '{output}' >&2; exit 1")
    with pytest.raises(DevError, match=advice):
        await environments.sync("back-api")
    assert not environments.is_current("back-api")


async def test_giving_up_ends_uv(uv_log: Path, tmp_path: Path) -> None:
    make_uv(tmp_path, "exec sleep 600")
    task = asyncio.create_task(environments.sync("back-api"))
    async with asyncio.timeout(60):
        while not uv_log.exists():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)  # noqa: TID251 - polls until a deadline
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()


async def test_engine_wheels_become_importable(
    uv_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    await wheels.install()
    assert any("devtools+engines" in entry for entry in sys.path)
