"""`./dev admin`: runs back-api's own command in back-api's environment."""

import os
import shutil
import subprocess

from devtools.stack import control
from devtools.stack.layout import Layout
from devtools.stack.topology import load
from devtools.workspace.errors import DevError
from devtools.workspace.repository import COMPOSE_FILE, ROOT, VENVS, Stack

_SERVICE = "back-api"
_MODULE = ("-m", "features.user_administration")


def create(stack: Stack, email: str, *, password_stdin: bool) -> int:
    """The exit code of the command that makes `email` an administrator."""
    arguments = [*_MODULE, email, *(["--password-stdin"] if password_stdin else [])]
    try:
        state = control.ask(stack.control, control.Request("status"))
    except control.NotRunning:
        if not _runs_in_docker():
            raise
        docker = ["docker", "compose", "exec", "-T", _SERVICE, "python"]
        return subprocess.run([*docker, *arguments], cwd=ROOT, check=False).returncode
    if not any(it.name == _SERVICE and it.state == "ready" for it in state.services):
        raise DevError(f"{_SERVICE} is not ready; ./dev status shows why")
    topology = load(COMPOSE_FILE, os.environ)
    service = Layout(topology, Stack(stack.folder, state.offset)).local(topology.services[_SERVICE])
    command = [str(VENVS / _SERVICE / "bin" / "python"), *arguments]
    how = service.command
    return subprocess.run(command, cwd=how.cwd, env=dict(how.env), check=False).returncode


def _runs_in_docker() -> bool:
    if shutil.which("docker") is None:
        return False
    command = [*["docker", "compose", "ps", "--quiet", "--status", "running"], _SERVICE]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    return asked.returncode == 0 and bool(asked.stdout.strip())
