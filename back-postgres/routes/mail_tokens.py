"""Mail tokens, and the confirmation of an address with one."""

from fastapi import APIRouter, Response

from repositories.mail_token_repository import MailTokenRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import LookUpMailToken, StoredMailToken, UseVerificationToken
from shared.models.event import Command
from shared.models.user import User


def router(mail_tokens: MailTokenRepository) -> APIRouter:
    router = APIRouter(tags=["mail tokens"])

    @router.post(
        "/mail-tokens", status_code=201, dependencies=[calls_with_scope("mail-tokens:write")]
    )
    async def store_mail_token(token: StoredMailToken) -> StoredMailToken:
        return await mail_tokens.store(token)

    @router.post("/mail-tokens/lookup", dependencies=[calls_with_scope("mail-tokens:read")])
    async def look_up_mail_token(asked: LookUpMailToken) -> StoredMailToken:
        return await mail_tokens.by_hash(asked)

    @router.post(
        "/email-verifications",
        response_model=User,
        dependencies=[calls_with_scope("users:verify")],
    )
    async def verify_email(command: Command[UseVerificationToken]) -> Response:
        return as_response(await mail_tokens.use_for_verification(command))

    return router
