"""Mail tokens in back-postgres."""

from shared.kit.http.client import ServiceClient
from shared.models.auth import MailPurpose, StoredMailToken
from shared.models.event import Command
from shared.models.registration import ConfirmRegistration, MailTokenTried, TryMailToken
from shared.models.user import User


class PostgresMailTokens:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def keep(self, token: StoredMailToken) -> None:
        await self._postgres.post(
            "/mail-tokens", token, response_model=StoredMailToken, idempotent=True
        )

    async def use_try(
        self, token_hash: str, purpose: MailPurpose, *, tries_max: int
    ) -> MailTokenTried:
        wanted = TryMailToken(token_hash=token_hash, purpose=purpose, tries_max=tries_max)
        return await self._postgres.post("/mail-tokens/try", wanted, response_model=MailTokenTried)


class PostgresVerifications:
    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def confirm(self, command: Command[ConfirmRegistration]) -> User:
        return await self._postgres.post("/email-verifications", command, response_model=User)
