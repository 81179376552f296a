"""Service identity: signed by the caller, verified locally by the callee.

An assertion is a JWT signed with the caller's own Ed25519 key (RFC 8037). It names caller, callee
and expiry, and carries no scopes: the callee looks up what that caller may do.
"""

import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from shared.kit.errors import Unauthenticated
from shared.security.constants import (
    ASSERTION_ALGORITHM,
    ASSERTION_EXPIRATION,
    ASSERTION_REUSE,
    JWT_LEEWAY,
)

_REMEMBERED = 1000
_LOOK_AGAIN = 1.0  # seconds between two look-ups of the key of an unknown caller


class AssertionSigner:
    """Signs assertions of this service, one for each callee."""

    def __init__(self, service: str, key: Ed25519PrivateKey) -> None:
        self._service = service
        self._key = key
        self._made: dict[str, tuple[str, int]] = {}

    @classmethod
    def from_pem(cls, service: str, pem: str) -> "AssertionSigner":
        """Raises TypeError where the PEM text holds a key of another kind."""
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"the identity key of {service} is not an Ed25519 key")
        return cls(service, key)

    def assertion_for(self, callee: str) -> str:
        """An assertion for `callee`, cached for `ASSERTION_REUSE` seconds."""
        now = int(time.time())
        made = self._made.get(callee)
        # One of the future was made before the clock was put back: no callee takes it.
        if made and 0 <= now - made[1] < ASSERTION_REUSE:
            return made[0]
        claims = {
            "iss": self._service,
            "aud": callee,
            "iat": now,
            "exp": now + ASSERTION_EXPIRATION,
        }
        assertion = jwt.encode(  # noqa: TID251 - the one place that signs assertions
            claims, self._key, algorithm=ASSERTION_ALGORITHM, headers={"kid": self._service}
        )
        self._made[callee] = (assertion, now)
        return assertion


class AssertionVerifier:
    """Verifies assertions with the public keys in a mounted folder, `<service>.pem` each."""

    def __init__(self, service: str, public_keys: Path) -> None:
        self.service = service
        self._folder = public_keys
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._looked: dict[str, float] = {}
        self._verified: dict[str, tuple[str, float]] = {}

    def caller(self, assertion: str | None) -> str:
        """The service that made the assertion.

        Raises:
            Unauthenticated: there is none, or it is forged, expired or for another service.
        """
        if not assertion:
            raise Unauthenticated("A service assertion is needed here.", code="assertion_missing")
        remembered = self._verified.get(assertion)
        if remembered and remembered[1] > time.time():
            return remembered[0]
        try:
            kid = jwt.get_unverified_header(assertion).get("kid")
            key = self._key(kid) if isinstance(kid, str) else None
            if key is None:
                raise Unauthenticated("The caller is not known.", code="assertion_refused")
            claims = jwt.decode(
                assertion,
                key,
                algorithms=[ASSERTION_ALGORITHM],
                audience=self.service,
                issuer=kid,
                leeway=JWT_LEEWAY,
                options={"require": ["iss", "aud", "iat", "exp"]},
            )
        except (jwt.InvalidTokenError, UnicodeError) as error:
            raise Unauthenticated(
                "The service assertion is not valid.", code="assertion_refused"
            ) from error
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[assertion] = (str(kid), float(claims["exp"]))
        return str(kid)

    def _key(self, caller: str) -> Ed25519PublicKey | None:
        if caller in self._keys:
            return self._keys[caller]
        now = time.monotonic()
        if now - self._looked.get(caller, -_LOOK_AGAIN) < _LOOK_AGAIN:
            return None
        if len(self._looked) >= _REMEMBERED:
            self._looked.clear()
        self._looked[caller] = now
        # The name comes from outside: compare it with the files, never build a path of it.
        for path in self._folder.glob("*.pem"):
            if path.stem == caller:
                key = load_pem_public_key(path.read_bytes())
                if isinstance(key, Ed25519PublicKey):
                    self._keys[caller] = key
        return self._keys.get(caller)
