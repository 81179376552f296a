"""Sessions: create, read, rotate, revoke."""

from uuid import UUID

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.auth import (
    NewSession,
    RevokeGenerations,
    RevokeSession,
    RotatedSession,
    RotateSession,
    Session,
    Sessions,
)
from stores.session_store import SessionStore


def router(sessions: SessionStore) -> APIRouter:
    routes = APIRouter()
    reads = [calls_with_scope("sessions:read")]
    writes = [calls_with_scope("sessions:write")]

    @routes.post("/sessions", status_code=201, dependencies=writes)
    async def create_session(new: NewSession) -> Session:
        return await sessions.create(new)

    @routes.get("/sessions/{sid}", dependencies=reads)
    async def read_session(sid: UUID) -> Session:
        return await sessions.read(sid)

    @routes.get("/users/{user_id}/sessions", dependencies=reads)
    async def read_sessions(user_id: UUID) -> Sessions:
        return Sessions(items=await sessions.of_user(user_id))

    @routes.post("/sessions/{sid}/rotate", dependencies=writes)
    async def rotate_session(sid: UUID, rotation: RotateSession) -> RotatedSession:
        return await sessions.rotate(sid, rotation)

    @routes.post("/sessions/{sid}/revoke", status_code=204, dependencies=writes)
    async def revoke_session(sid: UUID, revocation: RevokeSession) -> None:
        await sessions.revoke(sid, revocation.event)

    @routes.post(
        "/revocations", status_code=204, dependencies=[calls_with_scope("revocations:write")]
    )
    async def revoke_generations(revoked: RevokeGenerations) -> None:
        await sessions.revoke_generations(revoked)

    return routes
