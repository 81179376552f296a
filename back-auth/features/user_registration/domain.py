"""Passwords of new users, stored as hashes that only this service and back-postgres see."""

from typing import Protocol
from uuid import UUID, uuid4


class Passwords(Protocol):
    """Hashes passwords."""

    async def hash(self, password: str) -> str: ...


class Credentials(Protocol):
    """Stores hashes until a registration or a user claims them."""

    async def keep(self, credential_id: UUID, password_hash: str) -> None: ...


class CredentialService:
    def __init__(self, passwords: Passwords, credentials: Credentials) -> None:
        self._passwords = passwords
        self._credentials = credentials

    async def accept(self, password: str) -> UUID:
        """Hash and store the password; the id of the credential."""
        credential_id = uuid4()
        await self._credentials.keep(credential_id, await self._passwords.hash(password))
        return credential_id
