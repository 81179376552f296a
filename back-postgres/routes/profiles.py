"""Profiles."""

from uuid import UUID

from fastapi import APIRouter, Response

from repositories.profile_repository import ProfileRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.models.event import Command
from shared.models.profile import StoredProfile, WriteProfile


def router(profiles: ProfileRepository) -> APIRouter:
    router = APIRouter(tags=["profiles"])
    writing = [calls_with_scope("profiles:write")]

    @router.post("/profiles", status_code=201, response_model=StoredProfile, dependencies=writing)
    async def create_profile(command: Command[WriteProfile]) -> Response:
        return as_response(await profiles.create(command))

    @router.get("/users/{user_id}/profile", dependencies=[calls_with_scope("profiles:read")])
    async def read_profile(user_id: UUID) -> StoredProfile:
        return await profiles.of_user(user_id)

    @router.put("/users/{user_id}/profile", response_model=StoredProfile, dependencies=writing)
    async def replace_profile(user_id: UUID, command: Command[WriteProfile]) -> Response:
        return as_response(await profiles.replace(user_id, command))

    return router
