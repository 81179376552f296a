"""`/internal/credentials`: back-api hands over the password of a new user."""

from fastapi import APIRouter, status

from features.user_registration.domain import CredentialService
from shared.kit.auth.guards import calls_with_scope
from shared.models.user import CredentialAccepted, NewCredential


def router(credentials: CredentialService) -> APIRouter:
    routes = APIRouter(tags=["credentials"])

    @routes.post(
        "/internal/credentials",
        status_code=status.HTTP_201_CREATED,
        dependencies=[calls_with_scope("credentials:write")],
    )
    async def accept_password(new: NewCredential) -> CredentialAccepted:
        return CredentialAccepted(credential_id=await credentials.accept(new.password))

    return routes
