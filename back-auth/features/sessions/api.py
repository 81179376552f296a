"""`/auth/refresh`, `/auth/logout` and `/auth/sessions`."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from features.sessions.domain import SessionService
from shared.kit.auth.guards import CurrentUser
from shared.models.auth import OpenSessions, Refresh, TokenPair


def router(sessions: SessionService) -> APIRouter:
    routes = APIRouter(tags=["sessions"])

    @routes.post("/auth/refresh")
    async def refresh(body: Refresh, response: Response) -> TokenPair:
        response.headers["Cache-Control"] = "no-store"
        return await sessions.refresh(body.refresh_token)

    @routes.post("/auth/logout", status_code=status.HTTP_204_NO_CONTENT)
    async def log_out(user: CurrentUser) -> None:
        await sessions.log_out(user.id, user.sid)

    @routes.get("/auth/sessions")
    async def list_sessions(user: CurrentUser) -> OpenSessions:
        return OpenSessions(items=await sessions.of_user(user.id, user.sid))

    @routes.delete("/auth/sessions", status_code=status.HTTP_204_NO_CONTENT)
    async def end_other_sessions(user: CurrentUser) -> None:
        await sessions.end_others(user.id, user.sid)

    @routes.delete("/auth/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def end_session(session_id: UUID, user: CurrentUser) -> None:
        await sessions.end(user.id, session_id, user.sid)

    return routes
