"""Signing of access tokens. back-auth alone may import this module."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from shared.security.constants import JWT_ALGORITHM, JWT_AUDIENCE, JWT_EXPIRATION, JWT_ISSUER


def generate_jwt(
    *,
    user_id: UUID,
    sid: UUID,
    role: str,
    permissions: Iterable[str],
    key: RSAPrivateKey,
    kid: str,
    issued_at: datetime,
    expires_in: int = JWT_EXPIRATION,
) -> str:
    """An access token for one session; `expires_in` in seconds."""
    claims = {
        "iss": JWT_ISSUER,
        "aud": JWT_AUDIENCE,
        "sub": str(user_id),
        "sid": str(sid),
        "role": role,
        "permissions": sorted(permissions),
        "iat": issued_at,
        "exp": issued_at + timedelta(seconds=expires_in),
        "jti": str(uuid4()),
    }
    return jwt.encode(claims, key, algorithm=JWT_ALGORITHM, headers={"kid": kid})  # noqa: TID251 - the one place that signs user tokens
