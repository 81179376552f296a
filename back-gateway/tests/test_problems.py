"""The gateway's own answers are problem details in valid JSON."""

import functools
import secrets
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.conftest import Started
from tests.gateway_harness import Gateway, Upstream, free_port, upstream

MEGABYTE = 1024 * 1024
CLOSING = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class TestUnknownPath:
    @pytest.mark.parametrize(
        "path",
        [
            "/nope",
            "/api",
            "/apix/users",
            "/API/users",
            "/auth",
            "/ws",
            "/health/",
            "/health/ready",
            "/internal/users",
            "/users",
            "/streams/live",
            "/application",
            "/administration",
            "/app/assets",
            "/gateway/problem",
            "/api/../internal/users",
            "/api/%2e%2e/internal/users",
        ],
    )
    def test_only_routed_prefixes_are_reachable(
        self, gateway: Gateway, service: Upstream, path: str
    ) -> None:
        problem = gateway.send(f"{path}?token=secret").problem()

        assert problem["status"] == 404
        assert problem["code"] == "not_found"
        assert problem["type"] == "urn:tools-dashboard:problem:not_found"
        assert problem["instance"] == path
        assert service.seen == []

    def test_instance_is_quoted_for_json(self, gateway: Gateway) -> None:
        answer = gateway.raw(
            b'GET /a"b\\c\xff</script> HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
        )

        instance = str(answer.problem()["instance"])
        assert instance.startswith('/a"b\\c')


class TestMalformed:
    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GARBAGE\r\n\r\n",
            b"GET /api/x HTTP/1.1\r\n\r\n",
            b"GET /api/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET /api/%00 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /api/\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /api/x HTTP/1.1\r\nHost: a\r\nX-Y : b\r\n\r\n",
            b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            (
                b"POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ],
    )
    def test_malformed_http_is_an_invalid_request(
        self, gateway: Gateway, service: Upstream, request_bytes: bytes
    ) -> None:
        problem = gateway.raw(request_bytes).problem()

        assert problem["status"] == 400
        assert problem["code"] == "invalid_request"
        assert service.seen == []

    @pytest.mark.parametrize(
        "path",
        [
            "//api/x",
            "/api//x",
            "/api/./x",
            "/auth/../api/x",
            "/api/a%2fb",
            "/api/%5Cx",
            "/api/a%2Eb",
        ],
    )
    def test_a_path_that_could_be_read_in_two_ways_is_refused(
        self, gateway: Gateway, service: Upstream, path: str
    ) -> None:
        assert gateway.send(path).problem()["status"] == 400
        assert service.seen == []

    def test_dots_and_slashes_in_a_query_are_accepted(
        self, gateway: Gateway, service: Upstream
    ) -> None:
        assert gateway.send("/api/x?next=//a/../b%2f").status == 200

    @pytest.mark.parametrize(
        "request_bytes, status, code",
        [
            (b"TRACE /api/x HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"),
            (b"BREW /api/x" + CLOSING, 405, "method_not_allowed"),
            (b"PROPFIND /app" + CLOSING, 405, "method_not_allowed"),
            (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"),
            (b"GET /api/" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
            (
                b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
                431,
                "headers_too_large",
            ),
            (
                b"POST /api/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
                501,
                "transfer_encoding_not_supported",
            ),
            (b"GET /api/x HTTP/3.0\r\nHost: a\r\n\r\n", 505, "http_version_not_supported"),
        ],
    )
    def test_each_refusal_has_its_own_code(
        self, gateway: Gateway, service: Upstream, request_bytes: bytes, status: int, code: str
    ) -> None:
        problem = gateway.raw(request_bytes).problem()

        assert (problem["status"], problem["code"]) == (status, code)
        assert service.seen == []


class TestBody:
    def test_a_megabyte_is_forwarded(self, gateway: Gateway, service: Upstream) -> None:
        assert gateway.send("/api/x", method="POST", body=b"a" * MEGABYTE).status == 200
        assert len(service.seen[0].body) == MEGABYTE

    def test_ten_megabytes_are_too_large(self, gateway: Gateway, service: Upstream) -> None:
        answer = gateway.send("/api/x", method="POST", body=b"a" * 10 * MEGABYTE)

        problem = answer.problem()

        assert (problem["status"], problem["code"]) == (413, "payload_too_large")
        assert service.seen == []

    def test_a_body_without_a_length_is_counted(self, gateway: Gateway, service: Upstream) -> None:
        request = (
            b"POST /api/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )

        problem = gateway.raw(
            request + b"110000\r\n" + b"a" * 0x110000 + b"\r\n0\r\n\r\n"
        ).problem()

        assert problem["status"] == 413
        assert service.seen == []


class TestService:
    def test_one_that_refuses_connections_is_unavailable_with_retry_after(
        self, gateway: Gateway
    ) -> None:
        answer = gateway.send("/auth/login", method="POST", body=b"{}")

        assert answer.problem()["code"] == "unavailable"
        assert answer.status == 503
        assert answer.header("retry-after") == "2"

    def test_a_request_waits_for_one_that_restarts_and_is_sent_once(self, start: Started) -> None:
        port = free_port()
        gateway = start(BACK_AUTH_URL=f"http://127.0.0.1:{port}")
        sent = functools.partial(
            gateway.send, "/auth/a%20b?c=%C3%A9", method="POST", body=b'{"e": "\xc3\xa9"}'
        )

        with ThreadPoolExecutor() as pool:
            answers = [pool.submit(sent) for _ in range(5)]
            assert not wait(answers, timeout=0.5).done
            with upstream(port) as service:
                assert [answer.result(timeout=10).status for answer in answers] == [200] * 5

        passed_on = [seen for seen in service.seen if seen.path != "/health/live"]
        assert [(seen.method, seen.path, seen.body) for seen in passed_on] == [
            ("POST", "/auth/a%20b?c=%C3%A9", b'{"e": "\xc3\xa9"}')
        ] * 5

    def test_one_that_hangs_is_a_time_out(self, gateway: Gateway) -> None:
        answer = gateway.send("/api/hang")

        assert answer.problem()["code"] == "timed_out"
        assert answer.status == 504

    def test_a_name_that_is_unknown_is_unavailable(self, start: Started) -> None:
        gateway = start(
            BACK_API_URL="http://no-such-host.invalid:8100", GATEWAY_RESOLVER="127.0.0.1"
        )

        assert gateway.send("/api/x").problem()["status"] == 503

    def test_its_own_errors_are_forwarded_unchanged(self, gateway: Gateway) -> None:
        answer = gateway.send("/api/teapot")

        assert (answer.status, answer.body) == (418, b"ok")


class TestRate:
    def test_an_address_above_the_limit_gets_429(self, start: Started) -> None:
        gateway = start(RATE_LIMIT_PER_MINUTE="5")

        answers = [gateway.send("/api/x") for _ in range(5)]
        refused = gateway.send("/nope")

        assert [answer.status for answer in answers] == [200] * 5
        assert refused.problem()["code"] == "too_many_requests"
        assert refused.status == 429
        assert refused.header("retry-after") == "12"

    def test_each_browser_behind_a_front_has_a_limit_of_its_own(
        self, start: Started, tmp_path: Path
    ) -> None:
        key = secrets.token_urlsafe(32)
        (tmp_path / "front-gateway.key").write_text(key, "utf-8")
        gateway = start(RATE_LIMIT_PER_MINUTE="3", SECRETS_DIR=str(tmp_path))

        def ask(address: str, key: str = key) -> int:
            headers = ("X-Front-Key", key), ("X-Client-Address", address)
            return gateway.send("/api/x", *headers).status

        assert [ask("192.0.2.1") for _ in range(4)] == [200, 200, 200, 429]
        assert ask("2001:db8::2") == 200
        # Nobody else chooses the address that is counted.
        assert [ask(f"192.0.2.{n}", key.swapcase()) for n in range(4)] == [200, 200, 200, 429]

    def test_the_assets_of_pages_take_nothing_from_the_limit(self, start: Started) -> None:
        gateway = start(RATE_LIMIT_PER_MINUTE="3")

        assets = [gateway.send(f"/app/assets/{n}.js").status for n in range(20)]
        pages = [gateway.send("/app").status for _ in range(4)]

        assert assets == [200] * 20
        assert pages == [200, 200, 200, 429]

    def test_its_liveness_has_no_rate_limit(self, start: Started) -> None:
        gateway = start(RATE_LIMIT_PER_MINUTE="2")

        answers = [gateway.send("/gateway/live") for _ in range(3)]

        assert [answer.status for answer in answers] == [200, 200, 200]
