"""Cassandra 5.0 out of locked jars on a Java 17 of its own: one role, no default superuser."""

import hashlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from devtools.engines import cassandra_archive, maven
from devtools.engines.cassandra_node import LOGBACK, cassandra_yaml, node_options
from devtools.engines.cql import BAD_CREDENTIALS, Connection, CqlError
from devtools.engines.free_ports import free_ports
from devtools.engines.java import java
from devtools.engines.recipe import EngineError, EngineInstance, Launch

COORDINATES = "org.apache.cassandra:cassandra-all:5.0.5"
LOCK = Path(__file__).with_name("cassandra.lock")
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

    def prepare(self, instance: EngineInstance) -> Launch:
        instance.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._check_password(instance)
        configuration = instance.run / "conf"
        configuration.mkdir(parents=True, exist_ok=True)
        (configuration / "cassandra.yaml").write_text(cassandra_yaml(instance))
        (configuration / "logback.xml").write_text(LOGBACK)
        shutil.rmtree(instance.run / "tmp", ignore_errors=True)
        (instance.run / "tmp").mkdir()
        jars = [_jar_folder() / jar.file_name for jar in self._jars]
        jamm = next(jar for jar in jars if jar.name.startswith("jamm-"))
        return Launch(
            argv=[
                str(java()),
                *node_options(instance),
                *([f"-XX:SharedArchiveFile={self._archive}"] if self._archive.exists() else []),
                f"-javaagent:{jamm}",
                *["-cp", ":".join(str(jar) for jar in jars)],
                "org.apache.cassandra.service.CassandraDaemon",
            ],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=instance.data,
            stop_signal=signal.SIGTERM,
            stop_timeout=15.0,
        )

    def answers(self, instance: EngineInstance) -> bool:
        """Log in as the owner; on fresh data make its role first, by the default superuser."""
        password = _password(instance)
        try:
            with Connection(instance.port, ROLE, password) as owner:
                if not self._default_is_gone:
                    owner.run(f"DROP ROLE IF EXISTS {DEFAULT_SUPERUSER}")
                    self._default_is_gone = True
        except CqlError as error:
            if error.code == BAD_CREDENTIALS:
                _make_role(instance, password)
            return False
        except OSError:
            return False
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
    try:
        with Connection(instance.port, DEFAULT_SUPERUSER, DEFAULT_SUPERUSER) as superuser:
            superuser.run(f"CREATE ROLE IF NOT EXISTS {ROLE} {role}")
    except (CqlError, OSError):
        return  # the default superuser is made a moment after the port opens


def _jar_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "tools-dashboard" / "cassandra" / COORDINATES.rsplit(":", 1)[-1]


def _password(instance: EngineInstance) -> str:
    return (instance.secrets / "cassandra.password").read_text().strip()
