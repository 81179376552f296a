"""Signing and verifying service assertions."""

import hashlib
import hmac
import json
import time
from pathlib import Path

import jwt
import pytest

from shared.kit.auth.service_identity import AssertionSigner, AssertionVerifier
from shared.kit.errors import Unauthenticated
from shared.secrets_init import TokenSigningKey
from shared.security.constants import ASSERTION_EXPIRATION, ASSERTION_REUSE
from shared.testing.clock import Clock
from shared.testing.identities import Identities, make_identities


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("shared.kit.auth.service_identity.time", clock)
    return clock


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The assertions whose signature was checked."""
    found: list[str] = []
    decode = jwt.decode

    def counting(assertion: str, *args: object, **options: object) -> object:
        found.append(assertion)
        return decode(assertion, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("shared.kit.auth.service_identity.jwt.decode", counting)
    return found


def assertion_with(
    keys: Identities,
    *,
    caller: str = "back-api",
    kid: str | None = None,
    without: str = "",
    **changes: object,
) -> str:
    """An assertion for back-postgres, signed by `caller`, with other claims or without one."""
    pem = (keys.folder / "secrets" / caller / "identity.key").read_text()
    now = int(time.time())
    claims = {"iss": caller, "aud": "back-postgres", "iat": now, "exp": now + 60} | changes
    present = {name: value for name, value in claims.items() if name != without}
    return jwt.encode(present, pem, algorithm="EdDSA", headers={"kid": kid or caller})


@pytest.fixture
def verifier(keys: Identities) -> AssertionVerifier:
    return AssertionVerifier("back-postgres", keys.folder / "public")


class TestVerifies:
    def test_a_caller_by_its_own_key(self, keys: Identities, verifier: AssertionVerifier) -> None:
        assertion = keys.signer("back-api").assertion_for("back-postgres")
        assert verifier.caller(assertion) == "back-api"
        later = assertion_with(keys, iat=int(time.time()) - 1)
        assert verifier.caller(later) == "back-api"

    def test_not_one_for_another_service(
        self, keys: Identities, verifier: AssertionVerifier
    ) -> None:
        with pytest.raises(Unauthenticated):
            verifier.caller(keys.signer("back-api").assertion_for("back-redis"))

    def test_not_one_in_another_name(self, keys: Identities, verifier: AssertionVerifier) -> None:
        pem = (keys.folder / "secrets/back-redis/identity.key").read_text()
        with pytest.raises(Unauthenticated):
            verifier.caller(
                AssertionSigner.from_pem("back-api", pem).assertion_for("back-postgres")
            )

    @pytest.mark.parametrize("kid", ["../../etc/passwd", "nobody", "", "*"])
    def test_not_an_unknown_name(
        self, keys: Identities, verifier: AssertionVerifier, kid: str
    ) -> None:
        pem = (keys.folder / "secrets/back-redis/identity.key").read_text()
        with pytest.raises(Unauthenticated):
            verifier.caller(AssertionSigner.from_pem(kid, pem).assertion_for("back-postgres"))

    @pytest.mark.parametrize("assertion", [None, "", "x", "a.b.c", "\ud800.b.c"])
    def test_not_garbage(self, verifier: AssertionVerifier, assertion: str | None) -> None:
        with pytest.raises(Unauthenticated):
            verifier.caller(assertion)

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_not_another_algorithm(
        self, keys: Identities, verifier: AssertionVerifier, algorithm: str
    ) -> None:
        claims = {"iss": "back-api", "aud": "back-postgres", "iat": 1, "exp": time.time() + 60}
        header = jwt.utils.base64url_encode(
            json.dumps({"alg": algorithm, "kid": "back-api"}).encode()
        )
        body = jwt.utils.base64url_encode(json.dumps(claims).encode())
        public = (keys.folder / "public/back-api.pem").read_bytes()
        signature = b""
        if algorithm == "HS256":
            digest = hmac.new(public, header + b"." + body, hashlib.sha256).digest()
            signature = jwt.utils.base64url_encode(digest)
        forged = b".".join([header, body, signature]).decode()
        with pytest.raises(Unauthenticated):
            verifier.caller(forged)

    def test_not_an_expired_one(self, keys: Identities, verifier: AssertionVerifier) -> None:
        pem = (keys.folder / "secrets/back-api/identity.key").read_text()
        long_ago = time.time() - 3600
        claims = {"iss": "back-api", "aud": "back-postgres", "iat": long_ago, "exp": long_ago + 60}
        expired = jwt.encode(claims, pem, algorithm="EdDSA", headers={"kid": "back-api"})
        with pytest.raises(Unauthenticated):
            verifier.caller(expired)

    @pytest.mark.parametrize("claim", ["iss", "aud", "iat", "exp"])
    def test_not_one_without_a_claim(
        self, keys: Identities, verifier: AssertionVerifier, claim: str
    ) -> None:
        with pytest.raises(Unauthenticated, match=r"^assertion_refused"):
            verifier.caller(assertion_with(keys, without=claim))

    def test_a_service_that_came_later(self, tmp_path: Path, clock: Clock) -> None:
        verifier = AssertionVerifier("back-postgres", tmp_path / "public")
        elsewhere = make_identities(tmp_path / "elsewhere", "back-reports")
        early = elsewhere.signer("back-reports").assertion_for("back-postgres")
        with pytest.raises(Unauthenticated, match=r"^assertion_refused"):
            verifier.caller(early)
        (elsewhere.folder / "public").rename(tmp_path / "public")
        clock.now += 0.9
        with pytest.raises(Unauthenticated, match=r"^assertion_refused"):
            verifier.caller(early)
        clock.now += 0.1
        assert verifier.caller(early) == "back-reports"


class TestMemory:
    def test_an_assertion_is_verified_once(
        self, keys: Identities, verifier: AssertionVerifier, decoded: list[str]
    ) -> None:
        assertions = [assertion_with(keys), assertion_with(keys, caller="back-redis")]
        for assertion in assertions * 3:
            verifier.caller(assertion)
        assert decoded == assertions

    def test_until_it_expires(
        self, keys: Identities, verifier: AssertionVerifier, clock: Clock, decoded: list[str]
    ) -> None:
        ends = int(clock.now) + 60
        assertion = assertion_with(keys, exp=ends)
        verifier.caller(assertion)
        clock.now = ends - 0.1
        verifier.caller(assertion)
        assert len(decoded) == 1
        clock.now = ends
        verifier.caller(assertion)
        assert len(decoded) == 2

    def test_holds_a_limited_number(
        self, keys: Identities, verifier: AssertionVerifier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.kit.auth.service_identity._REMEMBERED", 3)
        for number in range(8):
            verifier.caller(assertion_with(keys, jti=str(number)))
            with pytest.raises(Unauthenticated):
                verifier.caller(assertion_with(keys, kid=f"unknown-{number}"))
            assert len(verifier._verified) <= 3
            assert len(verifier._looked) <= 3


class TestAssertionSigner:
    def test_uses_an_assertion_for_half_a_minute(self, keys: Identities, clock: Clock) -> None:
        clock.now = float(int(clock.now))
        signer = keys.signer("back-api")
        first = signer.assertion_for("back-postgres")
        clock.now += ASSERTION_REUSE - 1
        assert signer.assertion_for("back-postgres") == first
        assert signer.assertion_for("back-redis") != first
        clock.now += 1
        second = signer.assertion_for("back-postgres")
        assert second != first
        claims = jwt.decode(second, options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == ASSERTION_EXPIRATION

    def test_makes_one_anew_after_each_jump_of_the_clock(
        self, keys: Identities, clock: Clock
    ) -> None:
        signer = keys.signer("back-api")
        made = [signer.assertion_for("back-postgres")]
        for jump in (3600, 0, -3600):
            clock.put_forward = jump
            made.append(signer.assertion_for("back-postgres"))
        issued = [
            jwt.decode(
                it, options={"verify_signature": False, "verify_iat": False, "verify_exp": False}
            )["iat"]
            for it in made
        ]
        assert [it - issued[0] for it in issued] == [0, 3600, 0, -3600]

    def test_wants_an_ed25519_key(self, tmp_path: Path) -> None:
        TokenSigningKey(tmp_path).make()
        [rsa] = tmp_path.glob("*.pem")
        with pytest.raises(TypeError):
            AssertionSigner.from_pem("back-api", rsa.read_text())
