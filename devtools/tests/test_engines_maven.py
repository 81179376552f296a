"""Jars come as locked or not at all."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from devtools.engines.cassandra import COORDINATES, LOCK
from devtools.engines.maven import Jar, download, missing, read_lock, repository_url, write_lock
from devtools.engines.recipe import EngineError

CONTENT = b"a jar"
JAR = Jar("org.example:tool:1.0:linux", hashlib.sha256(CONTENT).hexdigest())


class Repository(BaseHTTPRequestHandler):
    """Serves one jar."""

    def do_GET(self) -> None:
        found = self.path == "/org/example/tool/1.0/tool-1.0-linux.jar"
        self.send_response(200 if found else 404)
        self.end_headers()
        if found:
            self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture(autouse=True)
def _repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("MAVEN_REPOSITORY_URL", f"http://127.0.0.1:{server.server_port}/")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_jar_is_brought_once(tmp_path: Path) -> None:
    said: list[str] = []

    download(missing([JAR], tmp_path), tmp_path, said.append)

    assert (tmp_path / "tool-1.0-linux.jar").read_bytes() == CONTENT
    assert said == ["1 of 1 jars"]
    assert missing([JAR], tmp_path) == []


def test_other_content_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    locked = Jar(JAR.coordinates, "0" * 64)

    with pytest.raises(EngineError, match="not what was locked"):
        download([locked], tmp_path, lambda _: None)

    assert list(tmp_path.iterdir()) == []


def test_a_jar_that_is_not_there_is_named(tmp_path: Path) -> None:
    absent = Jar("org.example:other:1.0", JAR.sha256)

    with pytest.raises(EngineError, match=r"no other-1\.0\.jar"):
        download([absent], tmp_path, lambda _: None)


def test_the_address_is_the_one_of_the_environment_without_slash() -> None:
    assert not repository_url().endswith("/")


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"

    write_lock(lock, [JAR])

    assert read_lock(lock) == [JAR]


def test_the_committed_lock_holds_cassandra_itself() -> None:
    jars = {jar.coordinates: jar for jar in read_lock(LOCK)}

    assert COORDINATES in jars
    assert all(len(jar.sha256) == 64 for jar in jars.values())
