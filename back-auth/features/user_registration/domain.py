"""A password becomes a credential that no other service ever sees."""

from typing import Protocol
from uuid import UUID, uuid4


class Passwords(Protocol):
    """Makes the hash to keep."""

    async def hash(self, password: str) -> str: ...


class Credentials(Protocol):
    """Where hashes are kept until a user claims them."""

    async def keep(self, credential_id: UUID, password_hash: str) -> None: ...


class CredentialService:
    def __init__(self, passwords: Passwords, credentials: Credentials) -> None:
        self._passwords = passwords
        self._credentials = credentials

    async def accept(self, password: str) -> UUID:
        """The id under which the hash of the password is kept."""
        credential_id = uuid4()
        await self._credentials.keep(credential_id, await self._passwords.hash(password))
        return credential_id
