"""Local verification of user tokens, with public keys and a revocation check."""

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from shared.kit.errors import ServiceError, Unauthenticated
from shared.kit.http.client import ServiceClient
from shared.models.auth import JsonWebKeySet
from shared.security.jwt import AccessToken, TokenRefused, key_id, verify_jwt

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated user, from the access token."""

    id: UUID
    sid: UUID
    role: str
    permissions: frozenset[str]


class KeySet(Protocol):
    """The public keys of the current signing keys."""

    async def keys(self, kid: str) -> Mapping[str, RSAPublicKey]:
        """All keys by kid, fetched again when `kid` is not among them."""


class RemoteKeySet:
    """The key set at the service that signs tokens (JWKS, RFC 7517), cached for a minute."""

    REFRESH_SECONDS = 60.0
    UNKNOWN_KID_SECONDS = 1.0

    def __init__(self, auth: ServiceClient) -> None:
        self._auth = auth
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at = -self.REFRESH_SECONDS
        self._fetching = asyncio.Lock()

    async def keys(self, kid: str) -> Mapping[str, RSAPublicKey]:
        """Raises Unavailable when the key set can't be fetched and `kid` is not cached."""
        age = time.monotonic() - self._fetched_at
        unknown = kid not in self._keys and age > self.UNKNOWN_KID_SECONDS
        if unknown or age > self.REFRESH_SECONDS:
            async with self._fetching:
                if time.monotonic() - self._fetched_at > self.UNKNOWN_KID_SECONDS:
                    await self._fetch(kid)
        return self._keys

    async def _fetch(self, kid: str) -> None:
        try:
            found = await self._auth.get("/.well-known/jwks.json", response_model=JsonWebKeySet)
        except ServiceError:
            if kid not in self._keys:
                raise
            return
        keys = {key.kid: RSAAlgorithm.from_jwk(key.model_dump()) for key in found.keys}
        self._keys = {kid: key for kid, key in keys.items() if isinstance(key, RSAPublicKey)}
        self._fetched_at = time.monotonic()


class RevocationCheck(Protocol):
    """Checks whether a session has been revoked."""

    async def check(self, sid: UUID, user_id: UUID, issued_at: float) -> None:
        """Raises Unauthenticated `session_revoked`, or Unavailable when it can't be checked."""


class UserVerifier:
    """Verifies a Bearer token. Verified tokens are cached until they expire."""

    def __init__(self, key_set: KeySet, revocations: RevocationCheck) -> None:
        self._key_set = key_set
        self._revocations = revocations
        self._verified: dict[bytes, tuple[str, AccessToken]] = {}

    async def verify(self, token: str | None) -> Principal:
        """The user whom `token` was issued to.

        Raises:
            Unauthenticated: there is no token, or it is refused, expired or revoked.
            Unavailable: whether the session is still active can't be checked at present.
        """
        if not token:
            raise Unauthenticated("Log in first.", code="token_missing")
        try:
            access = await self._access(token)
        except TokenRefused as error:
            raise Unauthenticated("The access token is not valid.", code="token_refused") from error
        await self._revocations.check(access.sid, access.user_id, access.issued_at.timestamp())
        return Principal(access.user_id, access.sid, access.role, access.permissions)

    async def _access(self, token: str) -> AccessToken:
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        remembered = self._verified.get(digest)
        kid = remembered[0] if remembered else key_id(token)
        keys = await self._key_set.keys(kid)
        if remembered and kid in keys:
            if remembered[1].expires_at.timestamp() > time.time():
                return remembered[1]
            del self._verified[digest]
        access = verify_jwt(token, keys)
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[digest] = (kid, access)
        return access
