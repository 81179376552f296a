"""A repository of its own, made from this tree."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900


class Clone:
    """A repository of its own at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def dev(self, *words: str) -> str:
        """What `./dev` prints; AssertionError with its output where it fails."""
        done = self.tried(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def tried(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.root / "dev"), *words)

    def run(self, *command: str, folder: str = ".") -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if _is_harmless(name)}
        return subprocess.run(
            command,
            cwd=self.root / folder,
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def git(self, *words: str) -> str:
        done = self.run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", *words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def status(self) -> str:
        """What differs from the tree as it was at the beginning."""
        return self.git("status", "--short")

    def renew(self) -> None:
        self.git("reset", "--quiet", "--hard")
        self.git("clean", "--quiet", "-fd")


def _is_harmless(name: str) -> bool:
    return not name.startswith(("DEV_", "GIT_", "PYTEST_", "COV", "UV_")) and name not in {
        "VIRTUAL_ENV",
        "PYTHONPATH",
    }
