"""Users who deleted their account."""

from uuid import UUID

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from stores.response_store import ResponseStore


def router(responses: ResponseStore) -> APIRouter:
    routes = APIRouter()

    @routes.delete(
        "/users/{user_id}", status_code=204, dependencies=[calls_with_scope("users:forget")]
    )
    async def forget_user(user_id: UUID) -> None:
        await responses.forget(user_id)

    return routes
