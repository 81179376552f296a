"""`/auth/refresh` and `/auth/logout`."""

from fastapi import APIRouter, Response, status

from features.sessions.domain import SessionService
from shared.kit.auth.guards import CurrentUser
from shared.models.auth import Refresh, TokenPair


def router(sessions: SessionService) -> APIRouter:
    routes = APIRouter(tags=["sessions"])

    @routes.post("/auth/refresh")
    async def refresh(body: Refresh, response: Response) -> TokenPair:
        response.headers["Cache-Control"] = "no-store"
        return await sessions.refresh(body.refresh_token)

    @routes.post("/auth/logout", status_code=status.HTTP_204_NO_CONTENT)
    async def log_out(user: CurrentUser) -> None:
        await sessions.log_out(user.id, user.sid)

    return routes
