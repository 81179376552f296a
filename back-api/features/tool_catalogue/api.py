"""`/api/admin/tools` and `/api/tools`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from features.tool_catalogue.domain import ToolAdministration, ToolLibrary, WantedTools
from services.actor import Actor
from services.viewer import Viewer
from shared.kit.auth.guards import CurrentUser, user_with_permission
from shared.kit.http.idempotency import Once
from shared.kit.http.network import client_network
from shared.models.base import Line
from shared.models.tool import (
    TOOL_CATEGORY_MAX_LENGTH,
    TOOL_PAGE_DEFAULT,
    TOOL_PAGE_MAX,
    TOOL_SEARCH_MAX_LENGTH,
    AdministeredTool,
    AdministeredToolPage,
    ToolCategories,
    ToolCreate,
    ToolPage,
    ToolUpdate,
)

Search = Annotated[Line, Query(max_length=TOOL_SEARCH_MAX_LENGTH)]
Category = Annotated[Line, Query(max_length=TOOL_CATEGORY_MAX_LENGTH)]
Limit = Annotated[int, Query(ge=1, le=TOOL_PAGE_MAX)]
Before = Annotated[str | None, Query(max_length=200)]


def router(administration: ToolAdministration, library: ToolLibrary) -> APIRouter:
    """Routes over `administration` and `library`."""
    routes = APIRouter(prefix="/api")
    routes.include_router(_of_admins(administration))
    routes.include_router(_of_users(library))
    return routes


def _of_admins(administration: ToolAdministration) -> APIRouter:
    routes = APIRouter(prefix="/admin/tools", tags=["tool-catalogue"])
    managing = [user_with_permission("tools:manage")]

    @routes.post("", status_code=201, response_model=AdministeredTool, dependencies=managing)
    async def create(body: ToolCreate, user: CurrentUser, request: Request, once: Once) -> Response:
        actor = Actor(user.id, client_network(request))
        return await once(
            user.id,
            lambda command_id: administration.create(actor, body, command_id),
            location=lambda tool: f"/api/admin/tools/{tool.id}",
        )

    @routes.get("", dependencies=managing)
    async def page(
        *,
        search: Search | None = None,
        category: Category | None = None,
        limit: Limit = TOOL_PAGE_DEFAULT,
        before: Before = None,
    ) -> AdministeredToolPage:
        return await administration.page(WantedTools(search, category), limit, before)

    @routes.get("/{tool_id}", dependencies=managing)
    async def get(tool_id: UUID) -> AdministeredTool:
        return await administration.get(tool_id)

    @routes.patch("/{tool_id}", dependencies=managing)
    async def change(
        tool_id: UUID, body: ToolUpdate, user: CurrentUser, request: Request
    ) -> AdministeredTool:
        return await administration.change(Actor(user.id, client_network(request)), tool_id, body)

    @routes.delete("/{tool_id}", status_code=204, dependencies=managing)
    async def delete(tool_id: UUID, user: CurrentUser, request: Request) -> None:
        await administration.delete(Actor(user.id, client_network(request)), tool_id)

    return routes


def _of_users(library: ToolLibrary) -> APIRouter:
    routes = APIRouter(prefix="/tools", tags=["tool-catalogue"])

    @routes.get("")
    async def page(
        user: CurrentUser,
        *,
        search: Search | None = None,
        category: Category | None = None,
        favourite: bool | None = None,
        limit: Limit = TOOL_PAGE_DEFAULT,
        before: Before = None,
    ) -> ToolPage:
        viewer = Viewer.of(user.id, user.role)
        return await library.page(viewer, WantedTools(search, category, favourite), limit, before)

    @routes.get("/categories")
    async def categories(user: CurrentUser) -> ToolCategories:
        return await library.categories(Viewer.of(user.id, user.role))

    @routes.put("/{tool_id}/favourite", status_code=204)
    async def add_favourite(tool_id: UUID, user: CurrentUser) -> None:
        await library.set_favourite(Viewer.of(user.id, user.role), tool_id, favourite=True)

    @routes.delete("/{tool_id}/favourite", status_code=204)
    async def remove_favourite(tool_id: UUID, user: CurrentUser) -> None:
        await library.set_favourite(Viewer.of(user.id, user.role), tool_id, favourite=False)

    return routes
