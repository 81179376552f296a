"""`/api/admin/users`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from features.user_administration.domain import UserAdministration
from services.actor import Actor
from services.wanted_users import WantedUsers
from shared.kit.auth.guards import CurrentUser, user_with_permission
from shared.kit.http.network import client_network
from shared.models.base import Line
from shared.models.user import (
    USER_PAGE_DEFAULT,
    USER_PAGE_MAX,
    USER_SEARCH_MAX_LENGTH,
    AdministeredUser,
    AdministerUser,
    Role,
    UserPage,
    UserStatus,
)

Search = Annotated[Line, Query(max_length=USER_SEARCH_MAX_LENGTH)]


def router(administration: UserAdministration) -> APIRouter:
    """Routes over `administration`."""
    routes = APIRouter(prefix="/api/admin/users", tags=["user-administration"])
    reading = [user_with_permission("users:read")]

    @routes.get("", dependencies=reading)
    async def page(
        *,
        user: CurrentUser,
        request: Request,
        search: Search | None = None,
        role: Role | None = None,
        status: UserStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=USER_PAGE_MAX)] = USER_PAGE_DEFAULT,
        before: Annotated[str | None, Query(max_length=200)] = None,
    ) -> UserPage:
        actor = Actor(user.id, client_network(request))
        wanted = WantedUsers(search, role, status)
        return await administration.page(actor, wanted, limit, before)

    @routes.get("/{user_id}", dependencies=reading)
    async def get(user_id: UUID, user: CurrentUser, request: Request) -> AdministeredUser:
        return await administration.get(Actor(user.id, client_network(request)), user_id)

    @routes.patch("/{user_id}", dependencies=[user_with_permission("users:write")])
    async def change(
        user_id: UUID, body: AdministerUser, user: CurrentUser, request: Request
    ) -> AdministeredUser:
        actor = Actor(user.id, client_network(request))
        return await administration.change(actor, user_id, body)

    return routes
