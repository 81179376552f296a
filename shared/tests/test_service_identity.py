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
from shared.security.constants import ASSERTION_REUSE
from shared.testing.identities import Identities, make_identities


@pytest.fixture
def verifier(keys: Identities) -> AssertionVerifier:
    return AssertionVerifier("back-postgres", keys.folder / "public")


class TestVerifies:
    def test_a_caller_by_its_own_key(self, keys: Identities, verifier: AssertionVerifier) -> None:
        assertion = keys.signer("back-api").assertion_for("back-postgres")
        assert verifier.caller(assertion) == "back-api"
        assert verifier.caller(assertion) == "back-api", "remembered"

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

    def test_a_service_that_came_later(self, tmp_path: Path) -> None:
        verifier = AssertionVerifier("back-postgres", tmp_path / "public")
        keys = make_identities(tmp_path, "back-reports")
        assertion = keys.signer("back-reports").assertion_for("back-postgres")
        assert verifier.caller(assertion) == "back-reports"


class TestAssertionSigner:
    def test_uses_an_assertion_for_half_a_minute(
        self, keys: Identities, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        signer = keys.signer("back-api")
        first = signer.assertion_for("back-postgres")
        assert signer.assertion_for("back-postgres") == first
        assert signer.assertion_for("back-redis") != first
        later = time.time() + ASSERTION_REUSE + 1
        monkeypatch.setattr("shared.kit.auth.service_identity.time.time", lambda: later)
        assert signer.assertion_for("back-postgres") != first

    def test_wants_an_ed25519_key(self, tmp_path: Path) -> None:
        TokenSigningKey(tmp_path).make()
        [rsa] = tmp_path.glob("*.pem")
        with pytest.raises(TypeError):
            AssertionSigner.from_pem("back-api", rsa.read_text())
