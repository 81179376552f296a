"""Signing of access tokens. back-auth alone may import this module."""

from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from shared.security.constants import JWT_ALGORITHM, JWT_AUDIENCE, JWT_ISSUER
from shared.security.jwt import AccessToken


def generate_jwt(access: AccessToken, *, token_id: UUID, key: RSAPrivateKey, kid: str) -> str:
    """An access token with these claims; the same arguments make the same token."""
    claims = {
        "iss": JWT_ISSUER,
        "aud": JWT_AUDIENCE,
        "sub": str(access.user_id),
        "sid": str(access.sid),
        "gen": access.generation,
        "role": access.role,
        "permissions": sorted(access.permissions),
        "iat": access.issued_at,
        "exp": access.expires_at,
        "jti": str(token_id),
    }
    return jwt.encode(claims, key, algorithm=JWT_ALGORITHM, headers={"kid": kid})  # noqa: TID251 - the one place that signs user tokens
