"""Credentials, as back-auth hashes and keeps them."""

from uuid import UUID

from shared.kit import ServiceClient
from shared.models.user import CredentialAccepted, NewCredential


class AuthCredentials:
    """back-auth hashes and keeps the password; back-api learns an id."""

    def __init__(self, auth: ServiceClient) -> None:
        self._auth = auth

    async def store(self, password: str) -> UUID:
        accepted = await self._auth.post(
            "/internal/credentials",
            NewCredential(password=password),
            response_model=CredentialAccepted,
        )
        return accepted.credential_id
