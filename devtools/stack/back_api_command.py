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


def run(stack: Stack, module: str, arguments: Sequence[str]) -> int:
    """The exit code of `python -m MODULE ARGUMENTS`, here or in the container of back-api.

    The command is told who runs it, for the audit log: a container has users of its own.
    """
    operator = f"--operator={getpass.getuser()}@{platform.node()}"
    argv = ["-m", module, *arguments, operator]
    try:
        state = control.ask(stack.control, control.Request("status"))
    except control.NotRunning:
        if not _runs_in_docker():
            raise
        docker = ["docker", "compose", "exec", "-T", _SERVICE, "python"]
        return subprocess.run([*docker, *argv], cwd=ROOT, check=False).returncode
    if not any(it.name == _SERVICE and it.state == "ready" for it in state.services):
        raise DevError(f"{_SERVICE} is not ready; ./dev status shows why")
    topology = load(COMPOSE_FILE, os.environ)
    service = Layout(topology, Stack(stack.folder, state.offset)).local(topology.services[_SERVICE])
    command = [str(VENVS / _SERVICE / "bin" / "python"), *argv]
    how = service.command
    return subprocess.run(command, cwd=how.cwd, env=dict(how.env), check=False).returncode


def _runs_in_docker() -> bool:
    if shutil.which("docker") is None:
        return False
    command = [*["docker", "compose", "ps", "--quiet", "--status", "running"], _SERVICE]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    return asked.returncode == 0 and bool(asked.stdout.strip())
