"""Mail tokens, for back-auth alone."""

from fastapi import APIRouter

from repositories.mail_token_repository import MailTokenRepository
from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import StoredMailToken
from shared.models.registration import MailTokenTried, TryMailToken


def router(mail_tokens: MailTokenRepository) -> APIRouter:
    router = APIRouter(prefix="/mail-tokens", tags=["mail tokens"])

    @router.post("", status_code=201, dependencies=[calls_with_scope("mail-tokens:write")])
    async def store_mail_token(token: StoredMailToken) -> StoredMailToken:
        return await mail_tokens.store(token)

    @router.post("/try", dependencies=[calls_with_scope("mail-tokens:try")])
    async def try_mail_token(wanted: TryMailToken) -> MailTokenTried:
        return await mail_tokens.use_try(wanted)

    return router
