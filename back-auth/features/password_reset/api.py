"""`/auth/password-reset`."""

from fastapi import APIRouter, Request, status

from features.password_reset.domain import PasswordResets, ResetRequests
from services.request_origin import RequestOrigin
from shared.kit.http.device import client_device
from shared.kit.http.network import client_network
from shared.models.password_reset import (
    ConfirmPasswordReset,
    PasswordResetAccepted,
    RequestPasswordReset,
)


def router(requests: ResetRequests, resets: PasswordResets) -> APIRouter:
    routes = APIRouter(prefix="/auth/password-reset", tags=["password"])

    @routes.post("", status_code=status.HTTP_202_ACCEPTED)
    async def request_reset(body: RequestPasswordReset, request: Request) -> PasswordResetAccepted:
        await requests.request(body.email, _origin(request))
        return PasswordResetAccepted()

    @routes.post("/confirm", status_code=status.HTTP_204_NO_CONTENT)
    async def confirm_reset(body: ConfirmPasswordReset, request: Request) -> None:
        await resets.confirm(body.token, body.password, _origin(request))

    return routes


def _origin(request: Request) -> RequestOrigin:
    return RequestOrigin(client_network(request), client_device(request))
