"""Password hashes, for back-auth alone."""

from uuid import UUID

from fastapi import APIRouter, Response

from repositories.credential_repository import CredentialRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.models.event import Command
from shared.models.password_reset import ResetPassword
from shared.models.user import (
    Credential,
    CredentialAccepted,
    LookUpUser,
    Rehash,
    ReplacePassword,
    SweepCredentials,
    Swept,
    User,
    UserCredential,
)


def router(credentials: CredentialRepository) -> APIRouter:
    router = APIRouter(tags=["credentials"])
    writing = [calls_with_scope("credentials:write")]

    @router.post("/credentials", status_code=201, dependencies=writing)
    async def store_credential(credential: Credential) -> CredentialAccepted:
        return await credentials.store(credential)

    @router.post("/credentials/lookup", dependencies=[calls_with_scope("credentials:read")])
    async def look_up_credential(asked: LookUpUser) -> UserCredential:
        return await credentials.by_email(asked.email)

    @router.put("/users/{user_id}/credential", dependencies=writing)
    async def rehash_password(user_id: UUID, rehash: Rehash) -> CredentialAccepted:
        return await credentials.rehash(user_id, rehash)

    @router.put("/users/{user_id}/password", response_model=User, dependencies=writing)
    async def replace_password(user_id: UUID, command: Command[ReplacePassword]) -> Response:
        return as_response(await credentials.replace(user_id, command))

    @router.post("/password-resets", response_model=User, dependencies=writing)
    async def reset_password(command: Command[ResetPassword]) -> Response:
        return as_response(await credentials.reset(command))

    @router.post("/credentials/sweep", dependencies=[calls_with_scope("credentials:sweep")])
    async def sweep_credentials(asked: SweepCredentials) -> Swept:
        return Swept(removed=await credentials.sweep(asked.older_than_seconds))

    return router
