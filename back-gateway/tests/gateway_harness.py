"""A stub service behind the gateway, and a raw HTTP client in front of it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

WEBSOCKET = ("websocket", "upgrade")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("int", probe.getsockname()[1])


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None

    def problem(self) -> dict[str, str | int]:
        assert self.header("content-type") == "application/problem+json"
        problem = json.loads(self.body)
        assert set(problem) == {
            "type",
            "title",
            "status",
            "detail",
            "instance",
            "code",
            "correlation_id",
        }
        assert problem["status"] == self.status
        assert problem["correlation_id"] == self.header("x-correlation-id")
        return cast("dict[str, str | int]", problem)


@dataclass
class Seen:
    """A request as it reached the service."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Upstream:
    """Answers 200, `/held` once `go_on` is set, `/hang` at the end; an upgraded connection echoes.

    Every request is refused as one beyond the limit of a service while `overloaded` is set.
    """

    port: int
    overloaded: bool = False
    seen: list[Seen] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def status_of(self, path: str) -> int:
        if self.overloaded:
            return 503
        return 418 if path.endswith("/teapot") else 200


@contextmanager
def upstream(port: int = 0) -> Iterator[Upstream]:
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One write an answer: with two, the second waits 40 ms for a delayed acknowledgement.
        wbufsize = -1

        def handle_one_request(self) -> None:
            self.close_connection = True
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                return
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            service.seen.append(Seen(self.command, self.path, self.headers.items(), body))
            service.connections.add(self.client_address)
            last = self.path.rpartition("/")[2]
            if waited_for := {"hang": ended, "held": service.go_on}.get(last):
                waited_for.wait()
            if (self.headers.get("Upgrade"), self.headers.get("Connection")) == WEBSOCKET:
                self._echo()
            else:
                self._answer()

        def _echo(self) -> None:
            self.wfile.write(
                b"HTTP/1.1 101 Switching Protocols\r\n"
                b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n"
            )
            self.wfile.flush()
            self.close_connection = True
            while received := self.connection.recv(1024):
                self.connection.sendall(received)

        def _answer(self) -> None:
            self.send_response(service.status_of(self.path))
            self.send_header("X-Overloaded" if service.overloaded else "X-Accepted", "true")
            self.send_header("Content-Length", "2")
            self.send_header("X-Correlation-ID", self.headers["X-Correlation-ID"])
            self.end_headers()
            self.wfile.write(b"ok")
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    service = Upstream(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Gateway:
    port: int
    service: Upstream
    log: Path

    def raw(self, request: bytes) -> Answer:
        """Sends bytes unchanged, and reads until the gateway closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = [cast("tuple[str, str]", tuple(line.split(": ", 1))) for line in lines]
        return Answer(int(status.split(" ")[1]), headers, body)

    def send(
        self,
        path: str,
        *headers: tuple[str, str],
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", "Host: test", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
