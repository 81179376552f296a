"""Cassandra 5.0 out of locked jars on a Java 17 of its own: one role, no default superuser.

An archive of its classes is mapped by the JVM instead of read: a third less to start. It is made
once for a Java runtime, by a throwaway node that notes which classes it loads. The JVM uses it
where it fits its jars, and starts without it where it does not.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from devtools.engines import cql, maven
from devtools.engines.java import java
from devtools.engines.recipe import EngineError, EngineInstance, free_ports
from devtools.workspace.processes import Command

COORDINATES = "org.apache.cassandra:cassandra-all:5.0.5"
LOCK = Path(__file__).with_name("cassandra.lock")
CONFIGURATION = Path(__file__).with_name("cassandra_conf")
ROLE = "tools"
DEFAULT_SUPERUSER = "cassandra"
START_SECONDS = 90.0


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
            _make_archive(self._archive, self.prepare, free_ports(2))
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
        options = [f"@{CONFIGURATION / 'jvm.options'}", f"-javaagent:{jamm}"]
        options += [f"-D{name}={value}" for name, value in properties.items()]
        options += [f"-XX:SharedArchiveFile={self._archive}"] if self._archive.exists() else []
        what = ["-cp", ":".join(map(str, jars)), "org.apache.cassandra.service.CassandraDaemon"]
        return Command(
            argv=[str(java()), *options, *what],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=instance.data,
            stop_timeout=15.0,
        )

    def answers(self, instance: EngineInstance) -> bool:
        """Log in as the owner; on fresh data make its role first, by the default superuser."""
        password = instance.password
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
        digest = hashlib.sha256(instance.password.encode()).hexdigest()
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


def _make_archive(archive: Path, launch_of: Callable[[EngineInstance], Command], port: int) -> None:
    """Write `archive`; a node that does not start leaves none, which costs time only."""
    with tempfile.TemporaryDirectory(prefix="cassandra-classes-") as folder:
        root = Path(folder)
        instance = EngineInstance("cassandra", root / "data", root / "run", root / "secrets", port)
        instance.secrets.mkdir()
        instance.password_file.write_text("unused")
        launch = launch_of(instance)
        java, *options = launch.argv
        classes = root / "classes"
        with subprocess.Popen(
            [java, f"-XX:DumpLoadedClassList={classes}", *options],
            env=launch.env,
            cwd=launch.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as node:
            too_long = threading.Timer(START_SECONDS, node.kill)
            too_long.start()
            # When it serves clients, every class of a start is loaded.
            serves = any(b"Created default superuser" in line for line in node.stdout or ())
            node.terminate()
        too_long.cancel()
        if not serves:
            return
        partial = archive.with_name(f"{archive.name}.{os.getpid()}")
        class_path = options[options.index("-cp") + 1]
        dump = [java, "-Xshare:dump", "-XX:+UseSerialGC", "-Xlog:disable", "-cp", class_path]
        dump += [f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={partial}"]
        subprocess.run(dump, env=launch.env, capture_output=True, check=False)
        if partial.exists():
            partial.rename(archive)
