"""Random secrets, stored as hashes."""

import hashlib
import secrets

SECRET_BYTES = 32


def new_secret() -> str:
    """256 random bits as 43 characters that are safe in a URL."""
    return secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """The SHA-256 of a secret in hexadecimal. A random secret needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
