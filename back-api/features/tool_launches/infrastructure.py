"""Launches: counted in back-postgres, their time series in back-cassandra."""

from uuid import UUID

from services.viewer import Viewer
from shared.kit import ServiceClient
from shared.models.event import Command
from shared.models.tool import (
    FindTools,
    FoundTools,
    LastLaunches,
    Launch,
    LaunchedTool,
    LaunchPage,
    LaunchTool,
    ToolCard,
)


class PostgresOpenTools:
    """The tools of the domain, over HTTP."""

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def launch(self, user_id: UUID, command: Command[LaunchTool]) -> LaunchedTool:
        return await self._postgres.post(
            f"/users/{user_id}/launches", command, response_model=LaunchedTool
        )

    async def find(self, viewer: Viewer, tool_ids: list[UUID]) -> list[ToolCard]:
        found = await self._postgres.post(
            f"/users/{viewer.user_id}/tools/lookup",
            FindTools(role=viewer.role, tool_ids=tool_ids),
            response_model=FoundTools,
            idempotent=True,
        )
        return found.items


class CassandraLaunches:
    """The time series of the domain, over HTTP."""

    def __init__(self, cassandra: ServiceClient) -> None:
        self._cassandra = cassandra

    async def last(self, user_id: UUID, limit: int) -> list[Launch]:
        found = await self._cassandra.get(
            f"/users/{user_id}/launches/last", params={"limit": limit}, response_model=LastLaunches
        )
        return found.items

    async def page(self, user_id: UUID, limit: int, before: str | None) -> LaunchPage:
        asked = {"limit": limit, "before": before}
        return await self._cassandra.get(
            f"/users/{user_id}/launches", params=asked, response_model=LaunchPage
        )
