"""Invalid input to each public call: the documented error, no change, no leaked detail."""

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from tests.stack import PASSWORD, Visitor, code_of

REGISTRATION = {"email": "a@example.org", "password": PASSWORD, "accept_terms": True}
PUBLIC_POSTS = [
    "/api/user-registration",
    "/auth/login",
    "/auth/refresh",
    "/auth/verify-email",
]
LEAKS = ("Traceback", "asyncpg", "sqlalchemy", "cassandra", "psycopg", 'File "', "valkey")


def assert_leaks_nothing(reply: httpx.Response) -> None:
    assert not any(leak in reply.text for leak in LEAKS), reply.text


@pytest.mark.parametrize("path", PUBLIC_POSTS)
class TestBodies:
    @pytest.mark.parametrize(
        "content, status, code",
        [
            (b"", 422, "validation_failed"),
            (b"{", 400, "malformed_json"),
            (b"\xff\xfe", 400, "malformed_json"),
            (b"null", 422, "validation_failed"),
            (b"[]", 422, "validation_failed"),
            (b'"text"', 422, "validation_failed"),
            (b"{}", 422, "validation_failed"),
            (b'{"unknown": 1}', 422, "validation_failed"),
            (b"[" * 50_000, 400, "malformed_json"),
        ],
    )
    async def test_that_are_malformed(
        self, visitor: Visitor, path: str, content: bytes, status: int, code: str
    ) -> None:
        headers = {"Content-Type": "application/json"}
        reply = await visitor.http.post(path, content=content, headers=headers)
        assert (reply.status_code, code_of(reply)) == (status, code)
        assert_leaks_nothing(reply)

    async def test_of_ten_megabytes(self, visitor: Visitor, path: str) -> None:
        reply = await visitor.http.post(path, content=b"x" * 10_000_000)
        assert (reply.status_code, code_of(reply)) == (413, "payload_too_large")

    async def test_of_another_media_type(self, visitor: Visitor, path: str) -> None:
        headers = {"Content-Type": "text/plain"}
        reply = await visitor.http.post(path, content=b"hello", headers=headers)
        assert reply.status_code in {415, 422}
        code_of(reply)


class TestRegistration:
    @pytest.mark.parametrize(
        "change, pointer",
        [
            ({"email": "a" * 300 + "@example.org"}, "/email"),
            ({"email": "a@example.org\r\nBcc: b@example.org"}, "/email"),
            ({"email": "a\x00@example.org"}, "/email"),
            ({"email": "'; DROP TABLE users; --"}, "/email"),
            ({"email": ["a@example.org"]}, "/email"),
            ({"email": None}, "/email"),
            ({"password": "short"}, "/password"),
            ({"password": "x" * 129}, "/password"),
            ({"password": "nul\x00nul\x00nul\x00"}, "/password"),
            ({"password": 123456789012}, "/password"),
            ({"accept_terms": "maybe"}, "/accept_terms"),
            ({"role": "admin"}, "/role"),
        ],
    )
    async def test_names_the_field(
        self, visitor: Visitor, change: dict[str, object], pointer: str
    ) -> None:
        reply = await visitor.http.post("/api/user-registration", json=REGISTRATION | change)
        assert (reply.status_code, code_of(reply)) == (422, "validation_failed")
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]
        assert PASSWORD not in reply.text

    async def test_requires_accepted_terms(self, visitor: Visitor) -> None:
        body = REGISTRATION | {"accept_terms": False}
        reply = await visitor.http.post("/api/user-registration", json=body)
        assert (reply.status_code, code_of(reply)) == (422, "terms_not_accepted")

    async def test_an_address_with_quotes_is_just_an_address(self, visitor: Visitor) -> None:
        visitor.email = "o'hara" + visitor.email
        await visitor.sign_up()


class TestProfile:
    @pytest.mark.parametrize(
        "change",
        [
            {"first_name": ""},
            {"first_name": "a\x00b"},
            {"first_name": "line\nbreak"},
            {"first_name": "x" * 101},
            {"first_name": {"$gt": ""}},
            {"language": "xx"},
            {"timezone": "../etc/passwd"},
            {"completion": 100},
            {"user_id": "00000000-0000-0000-0000-000000000000"},
        ],
    )
    async def test_refuses(self, user: Visitor, change: dict[str, object]) -> None:
        body = {"first_name": "Ada", "last_name": "L"} | change
        reply = await user.post("/api/profile", body)
        assert (reply.status_code, code_of(reply)) == (422, "validation_failed")
        assert code_of(await user.get("/api/profile")) == "profile_not_found"

    async def test_keeps_what_looks_like_an_injection(self, user: Visitor) -> None:
        name = "Robert'); DROP TABLE profiles;-- \U0001f4a5"
        await user.post("/api/profile", {"first_name": name, "last_name": "<script>"})
        stored = (await user.get("/api/profile")).json()
        assert (stored["first_name"], stored["last_name"]) == (name, "<script>")


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def forged(token: str, *, header: dict[str, str], claims: dict[str, object], key: bytes) -> str:
    body = token.split(".")[1]
    known = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    signed = (
        f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(known | claims).encode())}"
    )
    if not key:
        return signed + "."
    return f"{signed}.{encoded(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


class TestTokens:
    async def test_forged_ones_are_refused_everywhere(self, user: Visitor, base_url: str) -> None:
        jwk = (await user.http.get("/.well-known/jwks.json")).json()["keys"][0]
        modulus = jwk["n"].encode()
        admin: dict[str, object] = {"role": "admin", "permissions": ["audit:read"]}
        good = user.access_token
        head, body, signature = good.split(".")
        tokens = [
            forged(good, header={"alg": "none", "kid": jwk["kid"]}, claims=admin, key=b""),
            forged(good, header={"alg": "HS256", "kid": jwk["kid"]}, claims=admin, key=modulus),
            forged(good, header={"alg": "RS256", "kid": jwk["kid"]}, claims=admin, key=modulus),
            forged(good, header={"alg": "RS256", "kid": "other"}, claims=admin, key=modulus),
            f"{head}.{body}.{signature[:-4]}AAAA",
            f"{head}.{body}.",
            "garbage",
            "a" * 4000,
        ]
        for token in tokens:
            user.access_token = token
            for reply in (
                await user.get("/api/users/me"),
                await user.get("/api/admin/audit"),
                await user.post("/auth/ws-ticket"),
                await user.post("/auth/logout"),
            ):
                assert (reply.status_code, code_of(reply)) == (401, "token_refused"), token[:40]
        user.access_token = good
        assert (await user.get("/api/users/me")).status_code == 200

    async def test_without_one_calls_are_refused(self, visitor: Visitor) -> None:
        for path in ("/api/users/me", "/api/profile", "/api/admin/audit"):
            assert code_of(await visitor.http.get(path)) == "token_missing"

    @pytest.mark.parametrize("token", ["x", "x.y", "." * 50, "\u00fc", "a" * 300])
    async def test_unknown_refresh_tokens_are_refused(self, visitor: Visitor, token: str) -> None:
        reply = await visitor.http.post("/auth/refresh", json={"refresh_token": token})
        assert reply.status_code in {401, 422}
        assert code_of(reply) in {"refresh_token_invalid", "validation_failed"}

    async def test_a_guessed_session_id_logs_nobody_out(self, user: Visitor) -> None:
        sid = user.refresh_token.split(".")[0]
        guess = f"{sid}.{'A' * 43}"
        assert code_of(await user.refresh(guess)) == "refresh_token_invalid"
        assert (await user.refresh()).status_code == 200

    @pytest.mark.parametrize("token", ["x", "A" * 43, "../../etc", "' OR 1=1"])
    async def test_unknown_confirmation_tokens_are_refused(
        self, visitor: Visitor, token: str
    ) -> None:
        reply = await visitor.http.post(
            "/auth/verify-email", json={"token": token, "password": "x"}
        )
        assert (reply.status_code, code_of(reply)) == (400, "verification_token_invalid")


class TestExistence:
    async def test_is_in_no_answer(self, user: Visitor, visitors: Callable[..., Visitor]) -> None:
        stranger = visitors()
        known, unknown = (
            await user.log_in("wrong password"),
            await stranger.log_in("wrong password"),
        )
        assert known.status_code == unknown.status_code == 401
        assert known.json() | {"correlation_id": ""} == unknown.json() | {"correlation_id": ""}
        again, fresh = await visitors(user.email).register(), await stranger.register()
        assert again.status_code == fresh.status_code == 202
        assert set(again.json()) == set(fresh.json())


class TestEdge:
    async def test_only_public_paths_are_routed(self, visitor: Visitor) -> None:
        for path in (
            "/users",
            "/users/lookup",
            "/credentials",
            "/internal/credentials",
            "/sessions",
            "/streams/revocations",
            "/deliveries/claim",
            "/audit/events",
            "/tasks",
            "/health/ready",
            "/openapi.json",
            "/gateway/../internal/credentials",
            "/auth/../internal/credentials",
            "/auth/%2e%2e/internal/credentials",
            "/api/..%2f..%2finternal",
        ):
            for method in ("GET", "POST"):
                reply = await visitor.http.request(method, path)
                assert reply.status_code in {400, 404, 405}, (method, path, reply.text)
                code_of(reply)

    async def test_a_header_can_not_be_smuggled_in(self, visitor: Visitor) -> None:
        reply = await visitor.http.get(
            "/api/users/me",
            headers={
                "X-Service-Assertion": "x",
                "X-Correlation-ID": "a b\tc",
                "X-Deadline-Ms": "1",
            },
        )
        assert code_of(reply) == "token_missing"
        assert " " not in reply.headers["x-correlation-id"]

    def test_a_broken_request_line_gets_a_problem(self, base_url: str) -> None:
        where = urlsplit(base_url)
        with socket.create_connection((where.hostname, where.port), timeout=60) as raw:
            raw.sendall(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = raw.recv(4096)
        assert answer.split(b" ")[1] in {b"414", b"400", b"431"}
        assert b"application/problem+json" in answer
