"""`/auth/login`."""

from fastapi import APIRouter, Response

from features.email_auth.domain import LoginService
from shared.models.auth import Login, TokenPair


def router(logins: LoginService) -> APIRouter:
    routes = APIRouter(tags=["login"])

    @routes.post("/auth/login")
    async def log_in(body: Login, response: Response) -> TokenPair:
        response.headers["Cache-Control"] = "no-store"
        return await logins.log_in(body.email, body.password)

    return routes
