"""`/auth/password`."""

from fastapi import APIRouter, Request, status

from features.password_change.domain import PasswordChanges
from services.request_origin import RequestOrigin
from shared.kit.auth.guards import CurrentUser
from shared.kit.http.device import client_device
from shared.kit.http.network import client_network
from shared.models.user import ChangePassword


def router(changes: PasswordChanges) -> APIRouter:
    routes = APIRouter(tags=["password"])

    @routes.post("/auth/password", status_code=status.HTTP_204_NO_CONTENT)
    async def change_password(body: ChangePassword, user: CurrentUser, request: Request) -> None:
        origin = RequestOrigin(client_network(request), client_device(request))
        await changes.change(user.id, user.sid, body, origin)

    return routes
