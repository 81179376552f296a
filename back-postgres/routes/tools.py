"""Tools, as admins keep them and as users find them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from repositories.tool_library_repository import ToolLibraryRepository
from repositories.tool_repository import ToolRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.kit.http.page_position import position_of
from shared.models.base import Line
from shared.models.event import Command
from shared.models.tool import (
    TOOL_CATEGORY_MAX_LENGTH,
    TOOL_PAGE_DEFAULT,
    TOOL_PAGE_MAX,
    TOOL_SEARCH_MAX_LENGTH,
    AdministeredTool,
    AdministeredToolPage,
    DeleteTool,
    FavouriteSet,
    FindTools,
    FoundTools,
    LaunchedTool,
    LaunchTool,
    SetFavourite,
    ToolCategories,
    ToolPage,
    WriteTool,
)
from shared.models.user import Role

Search = Annotated[Line, Query(max_length=TOOL_SEARCH_MAX_LENGTH)]
Category = Annotated[Line, Query(max_length=TOOL_CATEGORY_MAX_LENGTH)]
Limit = Annotated[int, Query(ge=1, le=TOOL_PAGE_MAX)]
Before = Annotated[str | None, Query(max_length=200)]

_READING = [calls_with_scope("tools:read")]


def router(tools: ToolRepository) -> APIRouter:
    """The tools for admins."""
    router = APIRouter(tags=["tools"])
    writing = [calls_with_scope("tools:write")]

    @router.post("/tools", status_code=201, response_model=AdministeredTool, dependencies=writing)
    async def create_tool(command: Command[WriteTool]) -> Response:
        return as_response(await tools.create(command))

    @router.get("/tools", dependencies=_READING)
    async def read_tools(
        *,
        search: Search | None = None,
        category: Category | None = None,
        limit: Limit = TOOL_PAGE_DEFAULT,
        before: Before = None,
    ) -> AdministeredToolPage:
        return await tools.page(
            search=search, category=category, limit=limit, before=position_of(before)
        )

    @router.get("/tools/{tool_id}", dependencies=_READING)
    async def read_tool(tool_id: UUID) -> AdministeredTool:
        return await tools.by_id(tool_id)

    @router.put("/tools/{tool_id}", response_model=AdministeredTool, dependencies=writing)
    async def replace_tool(tool_id: UUID, command: Command[WriteTool]) -> Response:
        return as_response(await tools.replace(tool_id, command))

    @router.post("/tools/{tool_id}/deletion", response_model=AdministeredTool, dependencies=writing)
    async def delete_tool(tool_id: UUID, command: Command[DeleteTool]) -> Response:
        return as_response(await tools.delete(tool_id, command))

    return router


def library_router(library: ToolLibraryRepository) -> APIRouter:
    """The tools of a user, favourites, and launches."""
    router = APIRouter(prefix="/users/{user_id}", tags=["tools"])

    @router.get("/tools", dependencies=_READING)
    async def read_library(
        user_id: UUID,
        *,
        role: Role,
        search: Search | None = None,
        category: Category | None = None,
        favourite: bool | None = None,
        limit: Limit = TOOL_PAGE_DEFAULT,
        before: Before = None,
    ) -> ToolPage:
        return await library.page(
            user_id,
            role,
            search=search,
            category=category,
            favourite=favourite,
            limit=limit,
            before=position_of(before),
        )

    @router.post("/tools/lookup", dependencies=[calls_with_scope("tools:look-up")])
    async def look_up_tools(user_id: UUID, wanted: FindTools) -> FoundTools:
        return await library.by_ids(user_id, wanted)

    @router.get("/tool-categories", dependencies=_READING)
    async def read_categories(user_id: UUID, role: Role) -> ToolCategories:
        return await library.categories(user_id, role)

    @router.put(
        "/favourites/{tool_id}",
        response_model=FavouriteSet,
        dependencies=[calls_with_scope("favourites:write")],
    )
    async def set_favourite(
        user_id: UUID, tool_id: UUID, command: Command[SetFavourite]
    ) -> Response:
        return as_response(await library.set_favourite(user_id, tool_id, command))

    @router.post(
        "/launches",
        status_code=201,
        response_model=LaunchedTool,
        dependencies=[calls_with_scope("launches:count")],
    )
    async def count_launch(user_id: UUID, command: Command[LaunchTool]) -> Response:
        return as_response(await library.count_launch(user_id, command))

    return router
