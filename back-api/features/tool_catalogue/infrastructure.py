"""Tools and favourites, as back-postgres keeps them."""

from dataclasses import asdict
from uuid import UUID

from features.tool_catalogue.domain import WantedTools
from services.viewer import Viewer
from shared.kit import ServiceClient
from shared.models.event import Command
from shared.models.tool import (
    AdministeredTool,
    AdministeredToolPage,
    DeleteTool,
    FavouriteSet,
    SetFavourite,
    ToolCategories,
    ToolPage,
    WriteTool,
)


class PostgresTools:
    """The tools of the domain, over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def get(self, tool_id: UUID) -> AdministeredTool:
        return await self._postgres.get(f"/tools/{tool_id}", response_model=AdministeredTool)

    async def page(
        self, wanted: WantedTools, limit: int, before: str | None
    ) -> AdministeredToolPage:
        asked = {
            "search": wanted.search,
            "category": wanted.category,
            "limit": limit,
            "before": before,
        }
        return await self._postgres.get("/tools", params=asked, response_model=AdministeredToolPage)

    async def create(self, command: Command[WriteTool]) -> AdministeredTool:
        return await self._postgres.post("/tools", command, response_model=AdministeredTool)

    async def replace(self, command: Command[WriteTool]) -> AdministeredTool:
        return await self._postgres.put(
            f"/tools/{command.data.tool_id}", command, response_model=AdministeredTool
        )

    async def delete(self, command: Command[DeleteTool]) -> None:
        await self._postgres.post(
            f"/tools/{command.data.tool_id}/deletion", command, response_model=AdministeredTool
        )


class PostgresToolLibrary:
    """The library of the domain, over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def page(
        self, viewer: Viewer, wanted: WantedTools, limit: int, before: str | None
    ) -> ToolPage:
        asked = {**asdict(wanted), "role": viewer.role, "limit": limit, "before": before}
        return await self._postgres.get(
            f"/users/{viewer.user_id}/tools", params=asked, response_model=ToolPage
        )

    async def categories(self, viewer: Viewer) -> ToolCategories:
        return await self._postgres.get(
            f"/users/{viewer.user_id}/tool-categories",
            params={"role": viewer.role},
            response_model=ToolCategories,
        )

    async def set_favourite(
        self, user_id: UUID, tool_id: UUID, command: Command[SetFavourite]
    ) -> None:
        await self._postgres.put(
            f"/users/{user_id}/favourites/{tool_id}", command, response_model=FavouriteSet
        )
