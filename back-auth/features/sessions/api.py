"""Refreshing and ending a session, and what other services may ask about one."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from features.sessions.domain import SessionService
from services.permission_service import permissions_of
from shared.kit.auth.guards import CurrentUser, calls_with_scope
from shared.models.auth import Refresh, RolePermissions, Session, TokenPair
from shared.models.user import Role


def router(sessions: SessionService) -> APIRouter:
    routes = APIRouter(tags=["sessions"])

    @routes.post("/auth/refresh")
    async def refresh(body: Refresh, response: Response) -> TokenPair:
        response.headers["Cache-Control"] = "no-store"
        return await sessions.refresh(body.refresh_token)

    @routes.post("/auth/logout", status_code=status.HTTP_204_NO_CONTENT)
    async def log_out(user: CurrentUser) -> None:
        await sessions.log_out(user.id, user.sid)

    @routes.get("/internal/sessions/{sid}", dependencies=[calls_with_scope("sessions:read")])
    async def session(sid: UUID) -> Session:
        return await sessions.find(sid)

    @routes.get(
        "/internal/roles/{role}/permissions",
        dependencies=[calls_with_scope("permissions:read")],
    )
    async def role_permissions(role: Role) -> RolePermissions:
        return RolePermissions(role=role, permissions=permissions_of(role))

    return routes
