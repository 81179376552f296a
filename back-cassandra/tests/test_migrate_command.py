import subprocess
import sys
from pathlib import Path

from settings import Settings
from tests.conftest import as_environment

SERVICE = Path(__file__).parents[1]


class TestCommand:
    def test_up_down_status(self, empty_settings: Settings) -> None:
        assert self.run("status", empty_settings) == "0001_audit  missing"
        assert self.run("up", empty_settings) == "0001_audit  ran"
        assert self.run("down", empty_settings) == "0001_audit  missing"

    def run(self, what: str, settings: Settings) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "migrate", what],
            cwd=SERVICE,
            env=as_environment(settings) | {"LOG_LEVEL": "ERROR"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()[-1]
