"""Requests and answers that the gateway forwards."""

import json
import re
import secrets
import socket
from pathlib import Path

import pytest

from tests.conftest import Started
from tests.gateway_harness import Gateway, Upstream

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ORIGIN = ("Origin", "http://localhost:8000")


class TestRequest:
    def test_method_path_query_and_body_are_forwarded_unchanged(
        self, gateway: Gateway, service: Upstream
    ) -> None:
        gateway.send("/api/a%20b?c=%C3%A9&d", method="PATCH", body=b'{"e":"\xf0\x9f\x98\x80"}')

        seen = service.seen[0]
        assert (seen.method, seen.path) == ("PATCH", "/api/a%20b?c=%C3%A9&d")
        assert seen.body == b'{"e":"\xf0\x9f\x98\x80"}'

    @pytest.mark.parametrize(
        "path",
        [
            "/api/x",
            "/health",
            "/ws/notifications",
            "/",
            "/app",
            "/app/login",
            "/app/assets/root-1a.js",
            "/admin",
            "/admin/users",
        ],
    )
    def test_each_prefix_reaches_its_service(
        self, gateway: Gateway, service: Upstream, path: str
    ) -> None:
        assert gateway.send(path).status == 200
        assert service.seen[0].path == path

    def test_connections_to_a_service_are_reused(self, gateway: Gateway, service: Upstream) -> None:
        for _ in range(20):
            gateway.send("/api/x")

        assert len(service.connections) < 5


class TestCorrelation:
    @pytest.mark.parametrize("given", ["12345678", "My.own_id-1", "a" * 64])
    def test_a_well_formed_id_is_kept(
        self, gateway: Gateway, service: Upstream, given: str
    ) -> None:
        answer = gateway.send("/api/x", ("X-Correlation-ID", given))

        assert service.seen[0].all("X-Correlation-ID") == [given]
        assert answer.all("X-Correlation-ID") == [given]

    @pytest.mark.parametrize(
        "headers",
        [
            [],
            [("X-Correlation-ID", "")],
            [("X-Correlation-ID", "1234567")],
            [("X-Correlation-ID", "a" * 65)],
            [("X-Correlation-ID", "12345678 9")],
            [("X-Correlation-ID", "12345678\u00e9")],
            [("X-Correlation-ID", '12345678","admin":"true')],
            [("X-Correlation-ID", "12345678"), ("X-Correlation-ID", "87654321")],
        ],
    )
    def test_a_malformed_id_is_replaced_by_a_uuid(
        self, gateway: Gateway, service: Upstream, headers: list[tuple[str, str]]
    ) -> None:
        answer = gateway.send("/api/x", *headers)

        (passed_on,) = service.seen[0].all("X-Correlation-ID")
        assert UUID4.fullmatch(passed_on)
        assert answer.all("X-Correlation-ID") == [passed_on]

    def test_new_ids_differ(self, gateway: Gateway) -> None:
        ids = {gateway.send("/nope").header("X-Correlation-ID") for _ in range(5)}

        assert len(ids) == 5

    def test_a_problem_carries_the_given_id(self, gateway: Gateway) -> None:
        answer = gateway.send("/auth/x", ("X-Correlation-ID", "my-own-id"))

        assert answer.problem()["correlation_id"] == "my-own-id"

    def test_the_trace_is_forwarded_unchanged(self, gateway: Gateway, service: Upstream) -> None:
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

        gateway.send("/api/x", ("traceparent", traceparent))

        assert service.seen[0].all("traceparent") == [traceparent]


class TestHeaders:
    @pytest.mark.parametrize(
        "name",
        [
            "X-Service-Assertion",
            "x-service-assertion",
            "X-Deadline-Ms",
            "X-Request-Priority",
            "Forwarded",
            "X-Front-Key",
            "X-Client-Address",
        ],
    )
    def test_headers_between_services_are_dropped(
        self, gateway: Gateway, service: Upstream, name: str
    ) -> None:
        gateway.send("/api/x", (name, "forged"), (name, "again"))

        assert service.seen[0].all(name) == []

    def test_names_with_an_underscore_are_dropped(
        self, gateway: Gateway, service: Upstream
    ) -> None:
        gateway.send("/api/x", ("X_Service_Assertion", "forged"))

        assert "forged" not in str(service.seen[0].headers)

    @pytest.mark.parametrize("name", ["X-Real-IP", "X-Forwarded-For"])
    def test_the_address_is_that_of_the_peer(
        self, gateway: Gateway, service: Upstream, name: str
    ) -> None:
        gateway.send("/api/x", (name, "192.0.2.1"))

        assert service.seen[0].all(name) == ["127.0.0.1"]

    def test_a_front_knows_the_gateway_by_its_key(self, start: Started, tmp_path: Path) -> None:
        key = secrets.token_urlsafe(32)
        (tmp_path / "front-gateway.key").write_text(f"{key}\n", "utf-8")
        gateway = start(SECRETS_DIR=str(tmp_path))

        gateway.send("/app/login", ("X-Front-Key", "forged"))
        gateway.send("/admin/login")
        gateway.send("/api/x", ("X-Front-Key", key))

        keys = [request.all("X-Front-Key") for request in gateway.service.seen]
        assert keys == [[key], [key], []]

    def test_a_front_names_the_address_of_its_browser(self, start: Started, tmp_path: Path) -> None:
        key = secrets.token_urlsafe(32)
        (tmp_path / "front-gateway.key").write_text(f"{key}\n", "utf-8")
        gateway = start(SECRETS_DIR=str(tmp_path))

        def address(*headers: tuple[str, str]) -> list[str]:
            gateway.service.seen.clear()
            gateway.send("/api/x", *headers)
            (seen,) = gateway.service.seen
            assert seen.all("X-Front-Key") == seen.all("X-Client-Address") == []
            return [*seen.all("X-Real-IP"), *seen.all("X-Forwarded-For")]

        by_front = ("X-Front-Key", key)
        named = ("X-Client-Address", "192.0.2.1")
        assert address(by_front, named) == ["192.0.2.1"] * 2
        assert address(named) == ["127.0.0.1"] * 2
        assert address(("X-Front-Key", key[:-1]), named) == ["127.0.0.1"] * 2
        assert address(("X-Front-Key", key.swapcase()), named) == ["127.0.0.1"] * 2
        assert address(by_front) == ["127.0.0.1"] * 2
        assert address(by_front, ("X-Client-Address", 'x"y')) == ["127.0.0.1"] * 2

    def test_a_line_break_in_a_header_or_a_path_makes_no_header(
        self, gateway: Gateway, service: Upstream
    ) -> None:
        answer = gateway.send(
            "/api/x%0d%0aX-Injected:%201",
            ("X-Correlation-ID", "abcdefgh%0d%0aX-Injected: 1"),
        )

        assert service.seen[0].all("X-Injected") == []
        assert answer.all("X-Injected") == []

    def test_the_server_header_has_no_version(self, gateway: Gateway) -> None:
        assert gateway.send("/nope").all("Server") == []


class TestCors:
    def test_a_preflight_is_answered_by_the_gateway(
        self, gateway: Gateway, service: Upstream
    ) -> None:
        answer = gateway.send(
            "/api/profile", ORIGIN, ("Access-Control-Request-Method", "PATCH"), method="OPTIONS"
        )

        assert answer.status == 204
        assert answer.header("Access-Control-Allow-Origin") == "http://localhost:8000"
        assert answer.header("Access-Control-Allow-Credentials") == "true"
        assert "PATCH" in str(answer.header("Access-Control-Allow-Methods"))
        assert "Idempotency-Key" in str(answer.header("Access-Control-Allow-Headers"))
        assert answer.header("Access-Control-Max-Age") == "3600"
        assert service.seen == []

    @pytest.mark.parametrize("path", ["/api/x", "/nope", "/auth/x"])
    def test_every_answer_names_the_origin_that_may_read_it(
        self, gateway: Gateway, path: str
    ) -> None:
        answer = gateway.send(path, ORIGIN)

        assert answer.all("Access-Control-Allow-Origin") == ["http://localhost:8000"]
        assert "X-Correlation-ID" in str(answer.header("Access-Control-Expose-Headers"))
        assert answer.header("Vary") == "Origin"

    @pytest.mark.parametrize(
        "origin",
        ["http://evil.example", "http://localhost:8000.evil.example", "null", "http://localhost"],
    )
    @pytest.mark.parametrize("method", ["GET", "OPTIONS"])
    def test_another_origin_gets_no_cors_headers(
        self, gateway: Gateway, origin: str, method: str
    ) -> None:
        answer = gateway.send(
            "/nope", ("Origin", origin), ("Access-Control-Request-Method", "GET"), method=method
        )

        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


class TestWebSocket:
    def test_both_directions_are_open_after_the_upgrade(self, gateway: Gateway) -> None:
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as connection:
            connection.sendall(
                b"GET /ws/notifications?ticket=t HTTP/1.1\r\nHost: a\r\n"
                b"Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
            )
            head = connection.recv(4096)
            connection.sendall(b"hello")
            echoed = connection.recv(4096)

        assert head.startswith(b"HTTP/1.1 101 ")
        assert echoed == b"hello"

    def test_no_other_protocol_is_upgraded(self, gateway: Gateway, service: Upstream) -> None:
        gateway.send("/api/x", ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"))

        assert service.seen[0].all("Upgrade") == []


class TestLog:
    def test_a_request_is_one_line_of_json_without_its_secrets(self, gateway: Gateway) -> None:
        gateway.send(
            '/api/a"b?token=secret-of-query',
            ("X-Correlation-ID", "found-in-the-log"),
            ("Authorization", "Bearer secret-of-header"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        )

        text = gateway.log.read_text("utf-8")
        (line,) = [line for line in text.splitlines() if "found-in-the-log" in line]
        entry = json.loads(line)
        assert entry["service"] == "back-gateway"
        assert entry["correlation_id"] == "found-in-the-log"
        assert entry["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
        assert (entry["method"], entry["path"]) == ("GET", '/api/a"b')
        assert (entry["status"], entry["upstream_status"]) == (200, "200")
        assert entry["ms"] >= 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])
        assert "secret-of" not in text

    def test_an_unavailable_service_leaves_no_query_in_the_log(self, gateway: Gateway) -> None:
        gateway.send("/auth/verify-email?token=secret-of-mail")

        assert "secret-of-mail" not in gateway.log.read_text("utf-8")

    def test_a_token_in_the_path_is_not_in_the_log(self, gateway: Gateway) -> None:
        gateway.send(
            f"/api/exports/download/{'t0ken-_' * 6}?x=1", ("X-Correlation-ID", "a-download")
        )

        (line,) = [it for it in gateway.log.read_text("utf-8").splitlines() if "a-download" in it]
        assert json.loads(line)["path"] == "/api/exports/download/***"
