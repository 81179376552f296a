"""`/api/profile`: always the profile of the user who asks."""

from fastapi import APIRouter, Response

from features.profile.domain import Profiles
from shared.kit.auth.guards import CurrentUser
from shared.kit.http.idempotency import Once
from shared.models.profile import Profile, ProfileCreate, ProfileUpdate


def router(profiles: Profiles) -> APIRouter:
    """Routes over `profiles`."""
    routes = APIRouter(prefix="/api/profile", tags=["profile"])

    @routes.post("", status_code=201, response_model=Profile)
    async def create(body: ProfileCreate, user: CurrentUser, once: Once) -> Response:
        return await once(user.id, lambda command_id: profiles.create(user.id, body, command_id))

    @routes.get("")
    async def read(user: CurrentUser) -> Profile:
        return await profiles.read(user.id)

    @routes.patch("")
    async def update(body: ProfileUpdate, user: CurrentUser) -> Profile:
        return await profiles.update(user.id, body)

    return routes
