"""The rules of launches."""

from typing import Protocol
from uuid import UUID

from services.viewer import Viewer
from shared.kit.http.context import correlation_id
from shared.models.event import Command
from shared.models.tool import (
    RECENT_MAX,
    Launch,
    LaunchedTool,
    LaunchTool,
    RecentTool,
    RecentTools,
    ToolCard,
    ToolLaunched,
)


class OpenTools(Protocol):
    """The tools that a user may open."""

    async def launch(self, user_id: UUID, command: Command[LaunchTool]) -> LaunchedTool:
        """Count a launch, once a command.

        Raises NotFound `tool_not_found`, Conflict `command_reused`.
        """

    async def find(self, viewer: Viewer, tool_ids: list[UUID]) -> list[ToolCard]:
        """Those of the tools that the user may open, in the same order."""


class LastLaunches(Protocol):
    """The time series of launches. Raises Unavailable or TimedOut."""

    async def last(self, user_id: UUID, limit: int) -> list[Launch]:
        """The last launch of each tool, the latest first, at most `limit`."""


class Launches:
    """Opens tools for users, and tells which they used last."""

    def __init__(self, tools: OpenTools, launches: LastLaunches) -> None:
        self._tools = tools
        self._launches = launches

    async def launch(self, viewer: Viewer, tool_id: UUID, command_id: UUID) -> LaunchedTool:
        """The address of a tool; a repeated `command_id` counts once.

        A tool that the user may not open is one that does not exist.

        Raises:
            NotFound: `tool_not_found`.
            Conflict: `command_reused`, the command had other content.
        """
        command = Command.with_event(
            "tool.launched",
            ToolLaunched(user_id=viewer.user_id, tool_id=tool_id),
            data=LaunchTool(tool_id=tool_id, role=viewer.role),
            aggregate_id=viewer.user_id,
            correlation_id=correlation_id(),
            command_id=command_id,
        )
        return await self._tools.launch(viewer.user_id, command)

    async def recent(self, viewer: Viewer, limit: int) -> RecentTools:
        """The tools that the user launched last, at most `limit`.

        A launch counts some moments later, when its event has been delivered. Tools that are gone,
        or that the user may no longer open, are left out.

        Raises Unavailable or TimedOut while the time series can't be read.
        """
        last = await self._launches.last(viewer.user_id, RECENT_MAX)
        launched_at = {launch.tool_id: launch.launched_at for launch in last}
        cards = await self._tools.find(viewer, list(launched_at)) if last else []
        return RecentTools(
            items=[
                RecentTool(**card.model_dump(), launched_at=launched_at[card.id])
                for card in cards[:limit]
            ]
        )
