"""The keys of access tokens, and which of them signs."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from shared.models.auth import JsonWebKey, JsonWebKeySet


class NoSigningKey(Exception):
    """There is no key to sign with."""


@dataclass(frozen=True)
class KeyRing:
    """Every key that verifies, by `kid`, and the `kid` of the one that signs.

    A rotation has three steps, and every verifier sees one before the next: add a key, sign with
    it, and remove the old key when its last token has expired.
    """

    keys: Mapping[str, RSAPrivateKey]
    signing_kid: str

    @classmethod
    def of(cls, keys: Iterable[RSAPrivateKey], *, signing_kid: str | None = None) -> Self:
        """A ring of `keys`, in their order; the last one signs unless `signing_kid` names another.

        Raises:
            NoSigningKey: there are no keys, or the named one is not among them.
        """
        by_kid = {thumbprint(key.public_key()): key for key in keys}
        if not by_kid:
            raise NoSigningKey("there is no RSA key to sign with")
        signing_kid = signing_kid or list(by_kid)[-1]
        if signing_kid not in by_kid:
            raise NoSigningKey(f"the signing key {signing_kid} is not there")
        return cls(MappingProxyType(by_kid), signing_kid)

    @property
    def signing_key(self) -> RSAPrivateKey:
        return self.keys[self.signing_kid]

    @cached_property
    def public_keys(self) -> dict[str, RSAPublicKey]:
        return {kid: key.public_key() for kid, key in self.keys.items()}

    def published(self) -> JsonWebKeySet:
        """The public keys (RFC 7517)."""
        return JsonWebKeySet(
            keys=[
                JsonWebKey(kid=kid, **_numbers(public)) for kid, public in self.public_keys.items()
            ]
        )


def thumbprint(key: RSAPublicKey) -> str:
    """The `kid` of a key: its JWK thumbprint with SHA-256 (RFC 7638)."""
    members = {"kty": "RSA", **_numbers(key)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _numbers(key: RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"n": _unsigned(numbers.n), "e": _unsigned(numbers.e)}


def _unsigned(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
