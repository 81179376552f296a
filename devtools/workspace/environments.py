"""One virtual environment a workspace member, with its own declared dependencies only."""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from devtools.workspace.errors import DevError
from devtools.workspace.processes import output_of
from devtools.workspace.repository import ROOT, UV, VENVS, members

_NETWORK = ("connect", "dns", "resolve", "timed out", "fetch", "network")


def path_of(member: str, groups: Sequence[str] = ()) -> Path:
    """Where the environment of `member` is: one for the stack, others beside it for its groups."""
    return VENVS / "+".join([member, *groups])


def is_current(member: str, groups: Sequence[str] = ()) -> bool:
    stamp = path_of(member, groups) / ".stamp"
    return stamp.exists() and stamp.read_text() == _fingerprint(member, groups)


async def sync(member: str, groups: Sequence[str] = ()) -> Path:
    """Make the environment of `member` what uv.lock says, unless it is; DevError on failure."""
    venv = path_of(member, groups)
    if is_current(member, groups):
        return venv
    (venv / ".stamp").unlink(missing_ok=True)
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(venv)}
    environment.setdefault("UV_PYTHON", sys.executable)
    environment.pop("VIRTUAL_ENV", None)
    chosen = [word for group in groups for word in ("--group", group)]
    command = (UV, "sync", "--quiet", "--frozen", "--exact", "--no-default-groups", "--all-extras")
    code, said = await output_of(
        (*command, "--package", member, *chosen), cwd=ROOT, env=environment
    )
    if code:
        raise DevError(_failure(member, said))
    (venv / ".stamp").write_text(_fingerprint(member, groups))
    return venv


def _fingerprint(member: str, groups: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{sys.version} {sys.base_prefix} {ROOT} {groups}".encode())
    for folder in (ROOT, members()[member]):
        digest.update((folder / "pyproject.toml").read_bytes())
    digest.update((ROOT / "uv.lock").read_bytes())
    return digest.hexdigest()


def _failure(member: str, errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    said = lines[-1] if lines else "uv said nothing"
    if "No space left" in errors:
        return f"the environment of {member}: the disk is full; free about 2 GB and try again"
    if any(word in errors.lower() for word in _NETWORK):
        return (
            f"the environment of {member}: the package index can't be reached; "
            f"check the network (or proxy) and try again ({said})"
        )
    return f"the environment of {member} could not be made: {said}"
