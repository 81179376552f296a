"""`/api/users`."""

from fastapi import APIRouter

from features.account.domain import Users, current_user
from shared.kit.auth.guards import CurrentUser
from shared.models.user import CurrentUserView


def router(users: Users) -> APIRouter:
    """Routes over `users`."""
    routes = APIRouter(prefix="/api/users", tags=["users"])

    @routes.get("/me")
    async def me(user: CurrentUser) -> CurrentUserView:
        return await current_user(users, user.id, user.permissions)

    return routes
