"""A service outside of the repository runs with the wheel of `shared` alone."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.kit.contract_registry import contract_registry
from shared.testing.identities import make_identities
from tests.scaffold.clone import ROOT

MAIN = """
from fastapi import FastAPI

from shared.kit import Service, ServiceSettings
from shared.kit.contract_registry import contract_registry


class Settings(ServiceSettings):
    service: str = "elsewhere"
    port: int = 1


def app() -> FastAPI:
    service = Service(Settings())

    @service.api.get("/contracts")
    async def contracts() -> list[str]:
        return sorted(contract_registry().contracts)

    return service.api
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, uv: str) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def address(tmp_path: Path, wheel: Path, uv: str, python: str) -> Iterator[str]:
    """The address of a small service in an environment with the wheel alone."""
    environment = tmp_path / "venv"
    run(uv, "venv", "--quiet", "--python", python, str(environment))
    run(
        uv, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python"), str(wheel)
    )
    home = tmp_path / "elsewhere"
    home.mkdir()
    (home / "main.py").write_text(MAIN)
    (home / "pyproject.toml").write_text('[project]\nname = "elsewhere"\nversion = "3.2.1"\n')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    uvicorn = subprocess.Popen(
        [environment / "bin" / "uvicorn", "main:app", "--factory", "--port", port],
        cwd=home,
        env={"PATH": os.defpath, **make_identities(tmp_path, "elsewhere").env("elsewhere")},
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        uvicorn.terminate()
        uvicorn.wait(10)


def test_contains_the_contracts_and_generated_files(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert "shared/kit/contract_registry.json" in names
    assert {
        f"shared/contracts/{name}/feature.yaml" for name in contract_registry().contracts
    } <= names
    assert "shared/py.typed" in names


def test_contains_nothing_that_only_tests_or_tools_use(wheel: Path) -> None:
    folders = {Path(name).parts[:2] for name in zipfile.ZipFile(wheel).namelist()}
    generated = [it for it in zipfile.ZipFile(wheel).namelist() if "/generated/" in it]

    assert ("shared", "kit") in folders
    assert not {("shared", "tests"), ("shared", "testing")} & folders
    assert generated == []


def test_a_service_runs_on_it(address: str) -> None:
    health = answer(f"{address}/health")

    assert '"version":"3.2.1"' in health
    for name in contract_registry().contracts:
        assert name in answer(f"{address}/contracts")


def answer(url: str, *, within: float = 30) -> str:
    end = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - our own address
                return str(reply.read().decode())
        except urllib.error.URLError:
            assert time.monotonic() < end, f"no answer from {url}"
            time.sleep(0.1)  # noqa: TID251 - polls until a deadline


def run(*command: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
