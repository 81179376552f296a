"""Mail tokens in back-postgres."""

from shared.kit.errors import NotFound
from shared.kit.http.client import ServiceClient
from shared.models.auth import (
    LookUpMailToken,
    MailPurpose,
    StoredMailToken,
    UseVerificationToken,
)
from shared.models.event import Command
from shared.models.user import User


class PostgresMailTokens:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def keep(self, token: StoredMailToken) -> None:
        await self._postgres.post(
            "/mail-tokens", token, response_model=StoredMailToken, idempotent=True
        )

    async def find(self, token_hash: str, purpose: MailPurpose) -> StoredMailToken | None:
        try:
            return await self._postgres.post(
                "/mail-tokens/lookup",
                LookUpMailToken(token_hash=token_hash, purpose=purpose),
                response_model=StoredMailToken,
                idempotent=True,
            )
        except NotFound:
            return None


class PostgresVerifications:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def confirm(self, command: Command[UseVerificationToken]) -> User:
        return await self._postgres.post("/email-verifications", command, response_model=User)
