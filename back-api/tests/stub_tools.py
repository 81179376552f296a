"""What back-api calls of two services for tools, over the fakes."""

from uuid import UUID

from fake_tools import FakeLaunches, FakeLibrary, FakeTools
from fastapi import FastAPI

from features.tool_catalogue.domain import WantedTools
from services.viewer import Viewer
from shared.models.event import Command
from shared.models.tool import (
    AdministeredTool,
    AdministeredToolPage,
    DeleteTool,
    FavouriteSet,
    FindTools,
    FoundTools,
    LastLaunches,
    LaunchedTool,
    LaunchPage,
    LaunchTool,
    SetFavourite,
    ToolCategories,
    ToolPage,
    WriteTool,
)
from shared.models.user import Role


def add_tools(app: FastAPI, tools: FakeTools) -> None:
    @app.post("/tools", status_code=201)
    async def create(body: Command[WriteTool]) -> AdministeredTool:
        return await tools.create(body)

    @app.get("/tools")
    async def page(
        limit: int,
        search: str | None = None,
        category: str | None = None,
        before: str | None = None,
    ) -> AdministeredToolPage:
        return await tools.page(WantedTools(search, category), limit, before)

    @app.get("/tools/{tool_id}")
    async def get(tool_id: UUID) -> AdministeredTool:
        return await tools.get(tool_id)

    @app.put("/tools/{tool_id}")
    async def replace(tool_id: UUID, body: Command[WriteTool]) -> AdministeredTool:
        assert body.data.tool_id == tool_id
        return await tools.replace(body)

    @app.post("/tools/{tool_id}/deletion")
    async def delete(tool_id: UUID, body: Command[DeleteTool]) -> AdministeredTool:
        assert body.data.tool_id == tool_id
        tool = await tools.get(tool_id)
        await tools.delete(body)
        return tool


def add_library(app: FastAPI, library: FakeLibrary) -> None:
    @app.get("/users/{user_id}/tools")
    async def page(
        user_id: UUID,
        *,
        role: Role,
        limit: int,
        search: str | None = None,
        category: str | None = None,
        favourite: bool | None = None,
        before: str | None = None,
    ) -> ToolPage:
        wanted = WantedTools(search, category, favourite)
        return await library.page(Viewer(user_id, role), wanted, limit, before)

    @app.get("/users/{user_id}/tool-categories")
    async def categories(user_id: UUID, role: Role) -> ToolCategories:
        return await library.categories(Viewer(user_id, role))

    @app.put("/users/{user_id}/favourites/{tool_id}")
    async def set_favourite(
        user_id: UUID, tool_id: UUID, body: Command[SetFavourite]
    ) -> FavouriteSet:
        await library.set_favourite(user_id, tool_id, body)
        return FavouriteSet(favourite=body.data.favourite)

    @app.post("/users/{user_id}/tools/lookup")
    async def find(user_id: UUID, body: FindTools) -> FoundTools:
        return FoundTools(items=await library.find(Viewer(user_id, body.role), body.tool_ids))

    @app.post("/users/{user_id}/launches", status_code=201)
    async def launch(user_id: UUID, body: Command[LaunchTool]) -> LaunchedTool:
        return await library.launch(user_id, body)


def add_launches(app: FastAPI, launches: FakeLaunches) -> None:
    @app.get("/users/{user_id}/launches/last")
    async def last(user_id: UUID, limit: int) -> LastLaunches:
        return LastLaunches(items=await launches.last(user_id, limit))

    @app.get("/users/{user_id}/launches")
    async def page(user_id: UUID, limit: int, before: str | None = None) -> LaunchPage:
        return await launches.page(user_id, limit, before)
