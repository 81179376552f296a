import sys

import pytest

from migrate import main
from settings import Settings
from tests.conftest import as_environment


class TestCommand:
    def test_up_status_down(
        self,
        empty_settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        for name, value in as_environment(empty_settings).items():
            monkeypatch.setenv(name, value)

        def run(what: str) -> str:
            monkeypatch.setattr(sys, "argv", ["migrate", what])
            main()
            return capsys.readouterr().out.splitlines()[-1]

        assert run("status") == "0004_forgotten  missing"
        assert run("up") == "0004_forgotten  ran"
        assert run("status") == "0004_forgotten  ran"
        assert run("down") == "0004_forgotten  missing"
