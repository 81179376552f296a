"""`/auth/login`."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from features.email_auth.domain import LoginService
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
        return await logins.log_in(
            body.email,
            body.password,
            network=client_network(request),
            device_token=device_token,
        )

    return routes
