"""Cassandra 5.0 out of locked jars on a Java 17 of its own: one role, no default superuser."""

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from devtools.engines import cassandra_archive, cql, maven
from devtools.engines.free_ports import free_ports
from devtools.engines.java import java
from devtools.engines.recipe import EngineError, EngineInstance
from devtools.workspace.processes import Command

COORDINATES = "org.apache.cassandra:cassandra-all:5.0.5"
LOCK = Path(__file__).with_name("cassandra.lock")
CONFIGURATION = Path(__file__).with_name("cassandra_conf")
ROLE = "tools"
DEFAULT_SUPERUSER = "cassandra"


class Cassandra:
    """The recipe. The role is the superuser of its own engine; the default one is dropped."""

    def __init__(self) -> None:
        self._jars = maven.read_lock(LOCK)
        self._default_is_gone = False

    def fetch(self, progress: Callable[[str], None]) -> None:
        java()
        wanted = maven.missing(self._jars, _jar_folder())
        if wanted:
            maven.download(wanted, _jar_folder(), progress)
        if not self._archive.exists():
            progress("archiving Cassandra's classes for faster starts, once")
            cassandra_archive.make(self._archive, self.prepare, free_ports(2))
        progress("Cassandra's jars are in the cache")

    @property
    def _archive(self) -> Path:
        """Beside the jars, one for each Java runtime."""
        release = java().parent.parent / "release"
        digest = hashlib.sha256(LOCK.read_bytes() + release.read_bytes()).hexdigest()[:8]
        return _jar_folder() / f"classes-{digest}.jsa"

    def prepare(self, instance: EngineInstance) -> Command:
        instance.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._check_password(instance)
        temporary = instance.run / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        properties = {
            "cassandra.config": (CONFIGURATION / "cassandra.yaml").as_uri(),
            "cassandra.storagedir": instance.data,
            "cassandra.native_transport_port": instance.port,
            "cassandra.storage_port": instance.port + 1,
            "logback.configurationFile": CONFIGURATION / "logback.xml",
            "java.io.tmpdir": temporary,
        }
        jars = [_jar_folder() / jar.file_name for jar in self._jars]
        jamm = next(jar for jar in jars if jar.name.startswith("jamm-"))
        return Command(
            argv=[
                str(java()),
                f"@{CONFIGURATION / 'jvm.options'}",
                *(f"-D{name}={value}" for name, value in properties.items()),
                *([f"-XX:SharedArchiveFile={self._archive}"] if self._archive.exists() else []),
                f"-javaagent:{jamm}",
                *["-cp", ":".join(str(jar) for jar in jars)],
                "org.apache.cassandra.service.CassandraDaemon",
            ],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=instance.data,
            stop_timeout=15.0,
        )

    def answers(self, instance: EngineInstance) -> bool:
        """Log in as the owner; on fresh data make its role first, by the default superuser."""
        password = _password(instance)
        drop = "" if self._default_is_gone else f"DROP ROLE IF EXISTS {DEFAULT_SUPERUSER}"
        try:
            cql.run(instance.port, ROLE, password, drop)
        except cql.CqlError as error:
            if error.code == cql.BAD_CREDENTIALS:
                _make_role(instance, password)
            return False
        except OSError:
            return False
        self._default_is_gone = True
        return True

    def _check_password(self, instance: EngineInstance) -> None:
        """The role is in the data: data made with another password would never answer."""
        stamp = instance.data / "password.sha256"
        digest = hashlib.sha256(_password(instance).encode()).hexdigest()
        if stamp.exists() and stamp.read_text() != digest:
            raise EngineError(
                f"Cassandra's data has another password: remove {instance.data} to start anew."
            )
        stamp.write_text(digest)


def _make_role(instance: EngineInstance, password: str) -> None:
    quoted = password.replace("'", "''")
    role = f"WITH PASSWORD = '{quoted}' AND SUPERUSER = true AND LOGIN = true"
    statement = f"CREATE ROLE IF NOT EXISTS {ROLE} {role}"
    with suppress(cql.CqlError, OSError):  # the default superuser comes after the port opens
        cql.run(instance.port, DEFAULT_SUPERUSER, DEFAULT_SUPERUSER, statement)


def _jar_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "tools-dashboard" / "cassandra" / COORDINATES.rsplit(":", 1)[-1]


def _password(instance: EngineInstance) -> str:
    return (instance.secrets / "cassandra.password").read_text().strip()
