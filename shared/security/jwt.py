"""Access tokens (RFC 7519, signed RS256), read and checked with public keys alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shared.security.constants import JWT_ALGORITHM, JWT_AUDIENCE, JWT_ISSUER, JWT_LEEWAY

_REQUIRED = ["iss", "aud", "sub", "sid", "gen", "role", "permissions", "iat", "exp"]


class TokenRefused(Exception):
    """The token is malformed, expired, has a wrong signature, issuer or audience."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The claims of a verified access token; `generation` is the claim `gen`."""

    user_id: UUID
    sid: UUID
    generation: int
    role: str
    permissions: frozenset[str]
    issued_at: datetime
    expires_at: datetime


def key_id(token: str) -> str:
    """The `kid` that the token names.

    Raises:
        TokenRefused: the token is no JWT, names no key, or names another algorithm than RS256.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, UnicodeError) as error:
        raise TokenRefused("not a JWT") from error
    kid = header.get("kid")
    if header.get("alg") != JWT_ALGORITHM or not isinstance(kid, str):
        raise TokenRefused("not signed as agreed")
    return kid


def verify_jwt(token: str, keys: Mapping[str, RSAPublicKey]) -> AccessToken:
    """Check signature, issuer, audience and times, and read the claims.

    `keys` maps `kid` to public key. The token's own header does not choose the algorithm.

    Raises:
        TokenRefused: anything is wrong with the token.
    """
    key = keys.get(key_id(token))
    if key is None:
        raise TokenRefused("signed by an unknown key")
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[JWT_ALGORITHM],
            issuer=JWT_ISSUER,
            audience=JWT_AUDIENCE,
            leeway=JWT_LEEWAY,
            options={"require": _REQUIRED},
        )
        return AccessToken(
            user_id=UUID(claims["sub"]),
            sid=UUID(claims["sid"]),
            generation=int(claims["gen"]),
            role=str(claims["role"]),
            permissions=frozenset(map(str, claims["permissions"])),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except jwt.InvalidTokenError as error:
        raise TokenRefused(str(error)) from error
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise TokenRefused("a claim has the wrong form") from error
