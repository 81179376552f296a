"""Credentials in back-postgres."""

from uuid import UUID

from shared.kit.http.client import ServiceClient
from shared.models.user import Credential, CredentialAccepted


class PostgresCredentials:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def keep(self, credential_id: UUID, password_hash: str) -> None:
        await self._postgres.post(
            "/credentials",
            Credential(credential_id=credential_id, password_hash=password_hash),
            response_model=CredentialAccepted,
            idempotent=True,
        )
