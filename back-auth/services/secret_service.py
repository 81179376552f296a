"""Secrets that are stored as hashes: random ones, and ones derived from a key."""

import base64
import hashlib
import hmac
import secrets

SECRET_BYTES = 32


def new_secret() -> str:
    """256 random bits as 43 characters that are safe in a URL."""
    return secrets.token_urlsafe(SECRET_BYTES)


def derived_secret(key: str, *parts: object) -> str:
    """The same secret for the same parts, in the form of `new_secret`; HMAC-SHA256 under `key`."""
    digest = hmac.digest(key.encode(), "\n".join(map(str, parts)).encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def keys_in(text: str) -> tuple[str, ...]:
    """The keys of a secret file, one a line; the first derives, all are recognised.

    Raises:
        ValueError: there is none.
    """
    keys = tuple(text.split())
    if not keys:
        raise ValueError("the secret file has no key")
    return keys


def secret_hash(secret: str) -> str:
    """The SHA-256 of a secret in hexadecimal. Such a secret needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()
