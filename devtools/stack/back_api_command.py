"""Runs a command of back-api in back-api's environment: `./dev admin`, `./dev events`."""

import getpass
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence

from devtools.stack import control
from devtools.stack.layout import Layout
from devtools.stack.topology import load
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, ROOT, VENVS, Stack

_SERVICE = "back-api"


def run(stack: Stack, module: str, arguments: Sequence[str], *, given: str | None = None) -> int:
    """The exit code of `python -m MODULE ARGUMENTS`, here or in the container of back-api.

    The command is told who runs it, for the audit log: a container has users of its own. It reads
    `given`, or else what this process is given.
    """
    operator = f"--operator={getpass.getuser()}@{platform.node()}"
    argv = ["-m", module, *arguments, operator]
    try:
        state = control.ask(stack.control, control.Request("status"))
    except control.NotRunning:
        if not _runs_in_docker():
            raise
        docker = ["docker", "compose", "exec", "-T", _SERVICE, "python"]
        command = [*docker, *argv]
        return subprocess.run(command, cwd=ROOT, input=given, text=True, check=False).returncode
    if not any(it.name == _SERVICE and it.state == "ready" for it in state.services):
        raise DevError(f"{_SERVICE} is not ready; ./dev status shows why")
    topology = load(COMPOSE_FILE, os.environ)
    service = Layout(topology, Stack(stack.folder, state.offset)).local(topology.services[_SERVICE])
    command = [str(VENVS / _SERVICE / "bin" / "python"), *argv]
    how = service.command
    done = subprocess.run(
        command, cwd=how.cwd, env=dict(how.env), input=given, text=True, check=False
    )
    return done.returncode


def _runs_in_docker() -> bool:
    if shutil.which("docker") is None:
        return False
    command = [*["docker", "compose", "ps", "--quiet", "--status", "running"], _SERVICE]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    return asked.returncode == 0 and bool(asked.stdout.strip())
