"""`DELETE /api/users/me`."""

from fastapi import APIRouter, Request

from features.account_deletion.domain import AccountDeletions
from shared.kit.auth.guards import CurrentUser
from shared.kit.http.device import client_device
from shared.kit.http.network import client_network
from shared.models.account import AccountDeletion, CheckPassword, DeleteAccount


def router(deletions: AccountDeletions) -> APIRouter:
    """Routes over `deletions`."""
    routes = APIRouter(prefix="/api/users", tags=["account-deletion"])

    @routes.delete("/me", status_code=202)
    async def delete_account(
        body: DeleteAccount, user: CurrentUser, request: Request
    ) -> AccountDeletion:
        claim = CheckPassword(
            user_id=user.id,
            password=body.password,
            network=client_network(request),
            device=client_device(request),
        )
        return await deletions.delete(claim)

    return routes
