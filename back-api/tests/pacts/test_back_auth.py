"""What back-api asks back-auth: credentials, signing keys, and whether a session stands."""

from uuid import UUID

import pytest

from services.auth_credentials import AuthCredentials
from shared.kit.auth.revocations import session_check
from shared.kit.auth.user_tokens import RemoteKeySet
from shared.models.user import NewCredential
from shared.testing.pacts import ConsumerPact, exactly, reply, state

PASSWORD = "correct horse battery staple"
CREDENTIAL = UUID("c0000000-0000-4000-8000-000000000001")
SID = UUID("50000000-0000-4000-8000-000000000001")
USER = UUID("a0000000-0000-4000-8000-000000000001")
MODULUS = "x" * 342  # 256 bytes in base64url


@pytest.fixture(scope="module")
def pact() -> ConsumerPact:
    return ConsumerPact("back-api", "back-auth")


async def test_a_password_becomes_a_credential(pact: ConsumerPact) -> None:
    async with pact.exchange(
        "a password to hash",
        asks="POST /internal/credentials",
        sends=NewCredential(password=PASSWORD),
        answers=reply(201, {"credential_id": CREDENTIAL}),
    ) as auth:
        assert await AuthCredentials(auth).store(PASSWORD) == CREDENTIAL


async def test_the_signing_keys(pact: ConsumerPact) -> None:
    key = {
        "kty": exactly("RSA"),
        "use": exactly("sig"),
        "alg": exactly("RS256"),
        "kid": "k1",
        "n": MODULUS,
        "e": "AQAB",
    }
    async with pact.exchange(
        "the signing keys",
        asks="GET /.well-known/jwks.json",
        answers=reply(200, {"keys": [key]}),
    ) as auth:
        assert set(await RemoteKeySet(auth).keys("k1")) == {"k1"}


@pytest.mark.parametrize("active", [True, False])
async def test_whether_a_session_stands(pact: ConsumerPact, active: bool) -> None:
    word = "stands" if active else "has ended"
    async with pact.exchange(
        f"a session that {word}",
        given=[state(f"a session {word}", sid=SID, user_id=USER)],
        asks=f"GET /internal/sessions/{SID}",
        answers=reply(200, {"sid": exactly(SID), "user_id": USER, "active": exactly(active)}),
    ) as auth:
        assert await session_check(auth, "/internal/sessions")(SID) is active


def test_the_pact_is_kept(pact: ConsumerPact) -> None:
    pact.must_be_kept()
