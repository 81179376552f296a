"""Hand-written fakes of the stores of tools, favourites and launches."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from features.tool_catalogue.domain import WantedTools
from services.viewer import Viewer
from shared.kit.errors import Conflict, NotFound, Unavailable
from shared.kit.http.page_position import PagePosition, page_of, position_of
from shared.models.base import now
from shared.models.event import Command, NewEvent
from shared.models.tool import (
    AdministeredTool,
    AdministeredToolPage,
    DeleteTool,
    Launch,
    LaunchedTool,
    LaunchPage,
    LaunchTool,
    SetFavourite,
    ToolCard,
    ToolCategories,
    ToolPage,
    WriteTool,
)

Answer = TypeVar("Answer", bound=BaseModel)


class FakeTools:
    """Tools, favourites and counts, and the events that were recorded with them.

    The next `stale` replacements fail with `stale_version`.
    """

    def __init__(self) -> None:
        self.tools: dict[UUID, AdministeredTool] = {}
        self.favourites: set[tuple[UUID, UUID]] = set()
        self.answered: dict[UUID, BaseModel] = {}
        self.events: list[NewEvent] = []
        self.stale = 0

    async def get(self, tool_id: UUID) -> AdministeredTool:
        if tool_id not in self.tools:
            raise NotFound(code="tool_not_found")
        return self.tools[tool_id]

    async def page(
        self, wanted: WantedTools, limit: int, before: str | None
    ) -> AdministeredToolPage:
        items, following = page_of(self._wanted(wanted, before), limit, _position)
        return AdministeredToolPage(items=items, next=following)

    async def create(self, command: Command[WriteTool]) -> AdministeredTool:
        if command.command_id in self.answered:
            return self.tools[command.data.tool_id]
        moment = now()
        tool = AdministeredTool(
            **command.data.model_dump(exclude={"tool_id"}),
            id=command.data.tool_id,
            launches=0,
            version=1,
            created_at=moment,
            updated_at=moment,
        )
        return self._store(command, tool)

    async def replace(self, command: Command[WriteTool]) -> AdministeredTool:
        stored = await self.get(command.data.tool_id)
        if self.stale or command.expected_version not in {None, stored.version}:
            self.stale = max(0, self.stale - 1)
            raise Conflict(code="stale_version")
        written = command.data.model_dump(exclude={"tool_id"})
        changes = {**written, "version": stored.version + 1, "updated_at": now()}
        return self._store(command, stored.model_copy(update=changes))

    async def delete(self, command: Command[DeleteTool]) -> None:
        tool_id = (await self.get(command.data.tool_id)).id
        del self.tools[tool_id]
        self.favourites = {it for it in self.favourites if it[1] != tool_id}
        self.events += command.events

    def _store(self, command: Command[WriteTool], tool: AdministeredTool) -> AdministeredTool:
        names = {it.name.lower() for it in self.tools.values() if it.id != tool.id}
        if tool.name.lower() in names:
            raise Conflict(code="tool_name_taken")
        self.tools[tool.id] = self.answered[command.command_id] = tool
        self.events += command.events
        return tool

    def _wanted(self, wanted: WantedTools, before: str | None) -> list[AdministeredTool]:
        position = position_of(before)
        found = sorted(self.tools.values(), key=lambda it: (it.created_at, it.id), reverse=True)
        return [
            tool
            for tool in found
            if (tool.created_at, tool.id) < (position.instant, position.item_id)
            and wanted.category in {None, tool.category}
            and (wanted.search or "").lower()
            in f"{tool.name} {tool.summary} {tool.category}".lower()
        ]


class FakeLibrary:
    """The tools of `FakeTools` that a user may open."""

    def __init__(self, tools: FakeTools) -> None:
        self._tools = tools

    async def page(
        self, viewer: Viewer, wanted: WantedTools, limit: int, before: str | None
    ) -> ToolPage:
        found = [
            tool
            for tool in self._tools._wanted(wanted, before)
            if _may_open(viewer, tool)
            and wanted.favourite in {None, (viewer.user_id, tool.id) in self._tools.favourites}
        ]
        items, following = page_of(found, limit, _position)
        return ToolPage(items=[self._card(viewer, tool) for tool in items], next=following)

    async def categories(self, viewer: Viewer) -> ToolCategories:
        tools = self._tools.tools.values()
        return ToolCategories(items=sorted({it.category for it in tools if _may_open(viewer, it)}))

    async def set_favourite(
        self, user_id: UUID, tool_id: UUID, command: Command[SetFavourite]
    ) -> None:
        if command.data.favourite:
            await self._open(Viewer(user_id, command.data.role), tool_id)
            self._tools.favourites.add((user_id, tool_id))
        else:
            self._tools.favourites.discard((user_id, tool_id))

    async def launch(self, user_id: UUID, command: Command[LaunchTool]) -> LaunchedTool:
        answered = self._tools.answered.get(command.command_id)
        if isinstance(answered, LaunchedTool):
            return answered
        tool = await self._open(Viewer(user_id, command.data.role), command.data.tool_id)
        counted = tool.model_copy(update={"launches": tool.launches + 1})
        self._tools.tools[tool.id] = counted
        self._tools.events += command.events
        launched = self._tools.answered[command.command_id] = LaunchedTool(url=tool.url)
        return launched

    async def find(self, viewer: Viewer, tool_ids: list[UUID]) -> list[ToolCard]:
        known = [self._tools.tools[it] for it in tool_ids if it in self._tools.tools]
        return [self._card(viewer, tool) for tool in known if _may_open(viewer, tool)]

    async def _open(self, viewer: Viewer, tool_id: UUID) -> AdministeredTool:
        tool = await self._tools.get(tool_id)
        if not _may_open(viewer, tool):
            raise NotFound(code="tool_not_found")
        return tool

    def _card(self, viewer: Viewer, tool: AdministeredTool) -> ToolCard:
        fields = tool.model_dump(include={"id", "name", "summary", "category", "icon", "launches"})
        favourite = (viewer.user_id, tool.id) in self._tools.favourites
        return ToolCard(**fields, favourite=favourite)


class FakeLaunches:
    """Launches of users, in the order of time; unreachable while `down`."""

    def __init__(self) -> None:
        self.launches: dict[UUID, list[Launch]] = {}
        self.down = False

    def add(self, user_id: UUID, tool_ids: Sequence[UUID]) -> None:
        mine = self.launches.setdefault(user_id, [])
        mine += [Launch(tool_id=tool_id, launched_at=now()) for tool_id in tool_ids]

    async def last(self, user_id: UUID, limit: int) -> list[Launch]:
        if self.down:
            raise Unavailable
        found: dict[UUID, Launch] = {}
        for launch in reversed(self.launches.get(user_id, [])):
            found.setdefault(launch.tool_id, launch)
        return list(found.values())[:limit]

    async def page(self, user_id: UUID, limit: int, before: str | None) -> LaunchPage:
        if self.down:
            raise Unavailable
        newest_first = self.launches.get(user_id, [])[::-1]
        start = int(before or 0)
        shown = [Launch(**it.model_dump()) for it in newest_first[start : start + limit]]
        more = start + limit < len(newest_first)
        return LaunchPage(items=shown, next=str(start + limit) if more else None)


def _may_open(viewer: Viewer, tool: AdministeredTool) -> bool:
    listed = viewer.role in tool.roles or viewer.user_id in tool.user_ids
    return tool.access == "all" or (tool.access == "only") == listed


def _position(tool: AdministeredTool) -> PagePosition:
    return PagePosition.after(tool.created_at, tool.id)
