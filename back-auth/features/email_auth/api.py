"""`/auth/login`."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from features.email_auth.domain import LoginService
from services.request_origin import RequestOrigin
from shared.kit.http.device import client_device
from shared.kit.http.network import client_network
from shared.models.auth import Login, LoginTokens


def router(logins: LoginService) -> APIRouter:
    routes = APIRouter(tags=["login"])

    @routes.post("/auth/login")
    async def log_in(
        body: Login,
        request: Request,
        response: Response,
        device_token: Annotated[str | None, Header(alias="X-Device-Token")] = None,
    ) -> LoginTokens:
        response.headers["Cache-Control"] = "no-store"
        origin = RequestOrigin(client_network(request), client_device(request))
        return await logins.log_in(body.email, body.password, origin, device_token=device_token)

    return routes
