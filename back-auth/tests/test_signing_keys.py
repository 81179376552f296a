"""Keys: which one signs, what is published, and how they rotate while the service runs."""

import asyncio
import json
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from structlog.testing import capture_logs

from services.key_folder import KeyFolder
from services.key_ring import KeyRing, NoSigningKey, thumbprint
from shared.testing.waiting import until
from tests.conftest import Stack, bearer, write_key

# The example of RFC 7638, section 3.1.
RFC_N = int.from_bytes(
    jwt.utils.base64url_decode(
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMst"
        "n64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "big",
)


class TestKeyRing:
    def test_a_kid_is_the_thumbprint_of_rfc_7638(self) -> None:
        key = RSAPublicNumbers(65537, RFC_N).public_key()
        assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

    def test_the_last_key_signs_unless_another_is_named(
        self, rsa_key: RSAPrivateKey, other_rsa_key: RSAPrivateKey
    ) -> None:
        first = thumbprint(rsa_key.public_key())
        second = thumbprint(other_rsa_key.public_key())
        assert KeyRing.of([rsa_key, other_rsa_key]).signing_kid == second
        assert KeyRing.of([rsa_key, other_rsa_key], signing_kid=first).signing_kid == first

    def test_without_the_named_key_or_any_nothing_is_signed(self, rsa_key: RSAPrivateKey) -> None:
        with pytest.raises(NoSigningKey):
            KeyRing.of([])
        with pytest.raises(NoSigningKey):
            KeyRing.of([rsa_key], signing_kid="another")

    def test_publishes_nothing_private(self, rsa_key: RSAPrivateKey) -> None:
        [key] = KeyRing.of([rsa_key]).published().model_dump()["keys"]
        assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}


class TestKeyFolder:
    async def test_a_folder_that_becomes_unusable_leaves_the_keys_as_they_were(
        self, tmp_path: Path, rsa_key: RSAPrivateKey, other_rsa_key: RSAPrivateKey
    ) -> None:
        write_key(tmp_path, "1.pem", rsa_key)
        folder = KeyFolder(tmp_path, interval=60)
        before = folder.ring()
        (tmp_path / "2.pem").write_text("half a k")
        with capture_logs() as logs:
            await folder.refresh()
        assert folder.ring() is before
        assert [(entry["log_level"], entry["event"]) for entry in logs] == [
            ("warning", "signing_keys_unusable")
        ]
        write_key(tmp_path, "2.pem", other_rsa_key)
        await folder.refresh()
        assert len(folder.ring().keys) == 2

    async def test_an_unchanged_folder_is_not_read_again(
        self, tmp_path: Path, rsa_key: RSAPrivateKey, other_rsa_key: RSAPrivateKey
    ) -> None:
        write_key(tmp_path, "1.pem", rsa_key)
        folder = KeyFolder(tmp_path, interval=60)
        first = folder.ring()
        await folder.refresh()
        assert folder.ring() is first
        write_key(tmp_path, "2.pem", other_rsa_key)
        await folder.refresh()
        second = folder.ring()
        await folder.refresh()
        assert folder.ring() is second is not first

    async def test_is_looked_at_once_an_interval(
        self, tmp_path: Path, rsa_key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                raise asyncio.CancelledError

        monkeypatch.setattr("services.key_folder.asyncio.sleep", sleep)
        write_key(tmp_path, "1.pem", rsa_key)
        with pytest.raises(asyncio.CancelledError):
            await KeyFolder(tmp_path, interval=7).watch()
        assert pauses == [7, 7, 7]

    def test_needs_an_rsa_key_to_start(self, tmp_path: Path) -> None:
        with pytest.raises(NoSigningKey):
            KeyFolder(tmp_path, interval=60)
        other_kind = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        (tmp_path / "1.pem").write_bytes(other_kind)
        with pytest.raises(NoSigningKey, match=r"1\.pem"):
            KeyFolder(tmp_path, interval=60)


async def signing_kid(stack: Stack) -> str:
    access, _ = await stack.tokens()
    return str(jwt.get_unverified_header(access)["kid"])


async def kids(stack: Stack) -> set[str]:
    reply = await stack.client.get("/.well-known/jwks.json")
    assert reply.headers["cache-control"] == "public, max-age=60"
    return {key["kid"] for key in json.loads(reply.body)["keys"]}


class TestRotation:
    async def test_goes_without_downtime(
        self, stack: Stack, rsa_key: RSAPrivateKey, other_rsa_key: RSAPrivateKey
    ) -> None:
        """Add a key, sign with it, remove the old one: a token is valid while its key is there."""
        old, new = thumbprint(rsa_key.public_key()), thumbprint(other_rsa_key.public_key())
        folder = stack.key_folder
        (folder / "signing").write_text(old)
        await stack.add_user()
        old_token, _ = await stack.tokens()
        assert jwt.get_unverified_header(old_token)["kid"] == old

        write_key(folder, "2.pem", other_rsa_key)

        async def both_published() -> bool:
            return await kids(stack) == {old, new}

        await until(both_published)
        assert await signing_kid(stack) == old

        (folder / "signing").write_text(new + "\n")

        async def new_one_signs() -> bool:
            return await signing_kid(stack) == new

        await until(new_one_signs)
        ticket = await stack.client.post("/auth/ws-ticket", headers=bearer(old_token))
        assert ticket.status == 201

        (folder / "1.pem").unlink()

        async def old_one_gone() -> bool:
            return await kids(stack) == {new}

        await until(old_one_gone)
        refused = await stack.client.post("/auth/ws-ticket", headers=bearer(old_token))
        assert refused.status == 401
        new_token, _ = await stack.tokens()
        ticket = await stack.client.post("/auth/ws-ticket", headers=bearer(new_token))
        assert ticket.status == 201
