"""Who may call what: every endpoint of the contracts, called by everybody."""

import json
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.kit.auth.service_identity import AssertionSigner
from shared.kit.http.headers import ASSERTION_HEADER
from shared.models.base import now
from shared.security.jwt import AccessToken
from shared.security.signing import generate_jwt
from shared.testing.contracts.files import read_all
from shared.testing.contracts.schema import Endpoint
from tests.stack import TLS, Visitor

ROOT = Path(__file__).resolve().parents[2]
OFFSET = int(os.environ.get("DEV_PORT_OFFSET", "0"))
SECRETS = os.environ.get("TEST_SECRETS_ROOT")
LOCAL = pytest.mark.skipif(not SECRETS, reason="the keys of a local stack are needed")
PORTS = {
    "back-api": 8100,
    "back-auth": 8101,
    "back-postgres": 8103,
    "back-cassandra": 8104,
    "back-redis": 8106,
    "back-workers": 8107,
}
OTHERS_ID = str(UUID(int=7))
TOKEN_CODES = {"token_missing", "token_refused", "session_revoked", "permission_missing"}

Send = Callable[[Endpoint], Awaitable[httpx.Response]]


def endpoints() -> Iterator[Endpoint]:
    for contract in read_all(ROOT).values():
        yield from contract.contract.endpoints


PEOPLES = [it for it in endpoints() if it.auth_required is not None and it.service in PORTS]
SERVICES = [it for it in endpoints() if it.scope]


@cache
def documented(service: str) -> dict[str, dict[str, dict[str, object]]]:
    """The statuses that the document of a service gives, by path and method."""
    path = ROOT / "shared" / "contracts" / "generated" / "openapi" / f"{service}.json"
    paths: dict[str, dict[str, dict[str, dict[str, object]]]] = json.loads(path.read_text())[
        "paths"
    ]
    return {
        path: {method: operation["responses"] for method, operation in methods.items()}
        for path, methods in paths.items()
    }


def path_of(endpoint: Endpoint) -> str:
    """The path with the id of another user in the place of each id."""
    named = endpoint.path.replace("{name}", "revocations")
    return re.sub(r"\{\w+\}", OTHERS_ID, named)


def answer(reply: httpx.Response) -> tuple[int, str]:
    problem = reply.headers.get("content-type", "").startswith("application/problem+json")
    return reply.status_code, str(reply.json()["code"]) if problem else ""


async def wrong_answers(
    asked: list[Endpoint], send: Send, allowed: Callable[[Endpoint, int, str], bool]
) -> list[str]:
    """The endpoints whose answer is not `allowed`, or has a status that its document lacks."""
    wrong = []
    for endpoint in asked:
        status, code = answer(await send(endpoint))
        known = documented(endpoint.service)[endpoint.path][endpoint.method.lower()]
        if str(status) not in known or not allowed(endpoint, status, code):
            wrong.append(f"{endpoint.title}: {status} {code}")
    return wrong


def through_gateway(visitor: Visitor, token: str | None) -> Send:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def send(endpoint: Endpoint) -> httpx.Response:
        body: dict[str, str] | None = None if endpoint.method == "GET" else {}
        return await visitor.http.request(
            endpoint.method, path_of(endpoint), json=body, headers=headers
        )

    return send


def as_each_time_logged_in(visitor: Visitor, password: str | None = None) -> Send:
    """Log in before each call, as one of them is the logout."""

    async def send(endpoint: Endpoint) -> httpx.Response:
        reply = await (visitor.log_in(password) if password else visitor.log_in())
        assert reply.status_code == 200
        return await through_gateway(visitor, visitor.access_token)(endpoint)

    return send


def refused_with(expected: str) -> Callable[[Endpoint, int, str], bool]:
    """401 with this code where a token is needed; elsewhere the token does not matter."""

    def allowed(endpoint: Endpoint, status: int, code: str) -> bool:
        if endpoint.auth_required:
            return (status, code) == (401, expected)
        return code not in TOKEN_CODES

    return allowed


def signed(visitor: Visitor, *, key: RSAPrivateKey, age: timedelta) -> str:
    """The visitor's access token, as `key` would have signed it `age` ago."""
    claims = jwt.decode(visitor.access_token, options={"verify_signature": False})
    issued_at = now() - age
    access = AccessToken(
        user_id=UUID(claims["sub"]),
        sid=UUID(claims["sid"]),
        generation=claims["gen"],
        role="admin",
        permissions=frozenset(
            {
                "audit:read",
                "events:read",
                "events:replay",
                "maintenance:run",
                "tools:manage",
                "users:export",
                "users:read",
                "users:write",
            }
        ),
        issued_at=issued_at,
        expires_at=issued_at + timedelta(minutes=15),
    )
    kid = jwt.get_unverified_header(visitor.access_token)["kid"]
    return generate_jwt(access, token_id=uuid4(), key=key, kid=kid)


class TestPeople:
    async def test_without_a_token(self, visitor: Visitor) -> None:
        send = through_gateway(visitor, None)
        assert await wrong_answers(PEOPLES, send, refused_with("token_missing")) == []

    async def test_with_what_is_no_token(self, visitor: Visitor) -> None:
        send = through_gateway(visitor, "not.a.token")
        assert await wrong_answers(PEOPLES, send, refused_with("token_refused")) == []

    async def test_with_the_token_of_a_session_that_was_logged_out(self, user: Visitor) -> None:
        token = user.access_token
        assert (await user.log_out()).status_code == 204
        send = through_gateway(user, token)
        assert await wrong_answers(PEOPLES, send, refused_with("session_revoked")) == []

    async def test_with_a_token_that_another_key_signed(self, user: Visitor) -> None:
        key = generate_private_key(65537, 2048)
        send = through_gateway(user, signed(user, key=key, age=timedelta(0)))
        assert await wrong_answers(PEOPLES, send, refused_with("token_refused")) == []

    @LOCAL
    async def test_with_an_expired_token(self, user: Visitor) -> None:
        (pem,) = (Path(str(SECRETS)) / "back-auth" / "jwt").glob("*.pem")
        key = load_pem_private_key(pem.read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        valid, expired = (signed(user, key=key, age=timedelta(hours=it)) for it in (0, 1))
        assert (await user.http.get("/api/users/me", headers=bearer(valid))).status_code == 200
        send = through_gateway(user, expired)
        assert await wrong_answers(PEOPLES, send, refused_with("token_refused")) == []

    async def test_as_a_user(self, user: Visitor) -> None:
        def allowed(endpoint: Endpoint, status: int, code: str) -> bool:
            if endpoint.permission:
                return (status, code) == (403, "permission_missing")
            return code not in TOKEN_CODES

        assert await wrong_answers(PEOPLES, as_each_time_logged_in(user), allowed) == []

    async def test_as_an_admin(self, admin: Visitor) -> None:
        def allowed(_: Endpoint, __: int, code: str) -> bool:
            return code not in TOKEN_CODES

        send = as_each_time_logged_in(admin, os.environ["ADMIN_PASSWORD"])
        assert await wrong_answers(PEOPLES, send, allowed) == []


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def identity(caller: str) -> Ed25519PrivateKey:
    pem = (Path(str(SECRETS)) / caller / "identity.key").read_bytes()
    key = load_pem_private_key(pem, None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def straight(headers_for: Callable[[str], dict[str, str]]) -> Send:
    """Calls at the port of the service itself."""

    async def send(endpoint: Endpoint) -> httpx.Response:
        url = f"http://127.0.0.1:{PORTS[endpoint.service] + OFFSET}{path_of(endpoint)}"
        body: dict[str, str] | None = None if endpoint.method == "GET" else {}
        async with (
            httpx.AsyncClient(timeout=60, verify=TLS) as http,
            http.stream(
                endpoint.method, url, json=body, headers=headers_for(endpoint.service)
            ) as reply,
        ):
            if not reply.is_success:  # a success may be a stream without an end
                await reply.aread()
            return reply

    return send


@LOCAL
class TestServices:
    @pytest.mark.parametrize("caller", [*sorted(PORTS), "back-websockets"])
    async def test_may_call_what_a_contract_grants_them(self, caller: str) -> None:
        granted = {(it.service, it.scope) for it in SERVICES if caller in it.callers}

        def allowed(endpoint: Endpoint, status: int, code: str) -> bool:
            if (endpoint.service, endpoint.scope) in granted:
                return status not in {401, 403}
            return (status, code) == (403, "scope_missing")

        mine = AssertionSigner(caller, identity(caller))
        send = straight(lambda callee: {ASSERTION_HEADER: mine.assertion_for(callee)})
        assert await wrong_answers(SERVICES, send, allowed) == []

    async def test_need_an_assertion(self, user: Visitor) -> None:
        def allowed(_: Endpoint, status: int, code: str) -> bool:
            return (status, code) == (401, "assertion_missing")

        send = straight(lambda _: user.bearer)
        assert await wrong_answers(SERVICES, send, allowed) == []

    @pytest.mark.parametrize("case", ["for another service", "expired", "by another key"])
    async def test_need_an_assertion_of_their_own_for_this_callee(self, case: str) -> None:
        def allowed(_: Endpoint, status: int, code: str) -> bool:
            return (status, code) == (401, "assertion_refused")

        send = straight(lambda callee: {ASSERTION_HEADER: bad_assertion(case, callee)})
        assert await wrong_answers(SERVICES, send, allowed) == []


def bad_assertion(case: str, callee: str) -> str:
    """An assertion of a service that may call `callee`, with one fault."""
    caller = next(it.callers[0] for it in SERVICES if it.service == callee)
    if case == "for another service":
        return AssertionSigner(caller, identity(caller)).assertion_for("mailbox")
    key = identity(caller) if case == "expired" else Ed25519PrivateKey.generate()
    issued = int(time.time()) - (3600 if case == "expired" else 0)
    claims = {"iss": caller, "aud": callee, "iat": issued, "exp": issued + 60}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": caller})
