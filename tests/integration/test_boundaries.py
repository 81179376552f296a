"""Data services refuse calls without a service assertion, also on 127.0.0.1."""

import os

import httpx
import pytest

from tests.stack import TLS, code_of

OFFSET = int(os.environ.get("DEV_PORT_OFFSET", "0"))
LOCAL = pytest.mark.skipif(
    "DEV_STACK" not in os.environ, reason="only a local stack shows its services' ports"
)
INTERNAL = [
    (8101, "POST", "/internal/credentials"),
    (8101, "POST", "/internal/mail-tokens"),
    (8103, "POST", "/users/lookup"),
    (8103, "POST", "/credentials/lookup"),
    (8103, "POST", "/deliveries/claim"),
    (8104, "GET", "/audit/events"),
    (8106, "POST", "/sessions"),
    (8106, "GET", "/streams/revocations"),
    (8107, "POST", "/tasks"),
]


@LOCAL
@pytest.mark.parametrize("port, method, path", INTERNAL)
class TestWithoutIdentity:
    async def test_is_refused(self, port: int, method: str, path: str) -> None:
        url = f"http://127.0.0.1:{port + OFFSET}{path}"
        async with httpx.AsyncClient(timeout=60, verify=TLS) as client:
            bare = await client.request(method, url, json={})
            forged = await client.request(
                method, url, json={}, headers={"X-Service-Assertion": "a.b.c"}
            )
        assert (bare.status_code, code_of(bare)) == (401, "assertion_missing")
        assert (forged.status_code, code_of(forged)) == (401, "assertion_refused")
