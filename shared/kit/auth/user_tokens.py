"""Local verification of user tokens, with public keys and a revocation check."""

import asyncio
import hashlib
import math
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
    generation: int
    role: str
    permissions: frozenset[str]


class KeySet(Protocol):
    """The public keys of the current signing keys."""

    async def keys(self, kid: str) -> Mapping[str, RSAPublicKey]:
        """All keys by kid, fetched again when `kid` is not among them."""


class RemoteKeySet:
    """The key set of the service that signs tokens (JWKS, RFC 7517), kept in memory.

    A known key is never waited for: the set is loaded again in the background, later and later
    while that fails, and is refused once it is older than `MAX_AGE_SECONDS`.
    """

    REFRESH_SECONDS = 60.0
    MAX_AGE_SECONDS = 3600.0
    UNKNOWN_KID_SECONDS = 1.0
    LONGEST_PAUSE = 30.0

    def __init__(self, auth: ServiceClient) -> None:
        self._auth = auth
        self._keys: dict[str, RSAPublicKey] = {}
        self._loaded_at = -math.inf
        self._tried_at = -math.inf
        self._failure: ServiceError | None = None
        self._pause = self.UNKNOWN_KID_SECONDS
        self._loading: asyncio.Task[None] | None = None

    async def keys(self, kid: str) -> Mapping[str, RSAPublicKey]:
        """All keys by kid; `kid` is not among them where nobody knows it.

        Raises Unavailable or TimedOut where `kid` is not known and the set can't be loaded.
        """
        age = time.monotonic() - self._loaded_at
        if kid in self._keys and age <= self.MAX_AGE_SECONDS:
            if age > self.REFRESH_SECONDS and self._since_last_try() > self._pause:
                self._load()
            return self._keys
        if self._since_last_try() > self.UNKNOWN_KID_SECONDS:
            self._load()
        if self._loading:
            await asyncio.shield(self._loading)
        if self._failure:
            raise self._failure
        return self._keys

    def _since_last_try(self) -> float:
        return time.monotonic() - self._tried_at

    def _load(self) -> None:
        if self._loading is None:
            self._loading = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            found = await self._auth.get("/.well-known/jwks.json", response_model=JsonWebKeySet)
        except ServiceError as error:
            self._failure = error
            self._pause = min(self._pause * 2, self.LONGEST_PAUSE)
        else:
            keys = {key.kid: RSAAlgorithm.from_jwk(key.model_dump()) for key in found.keys}
            self._keys = {kid: key for kid, key in keys.items() if isinstance(key, RSAPublicKey)}
            self._loaded_at = time.monotonic()
            self._failure = None
            self._pause = self.UNKNOWN_KID_SECONDS
        finally:
            self._tried_at = time.monotonic()
            self._loading = None


class RevocationCheck(Protocol):
    """Checks whether a session has been revoked."""

    async def check(self, sid: UUID, user_id: UUID, generation: int) -> None:
        """`generation` is that of the session.

        Raises Unauthenticated `session_revoked`, or Unavailable when it can't be checked.
        """


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
        await self._revocations.check(access.sid, access.user_id, access.generation)
        return Principal(
            access.user_id, access.sid, access.generation, access.role, access.permissions
        )

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
