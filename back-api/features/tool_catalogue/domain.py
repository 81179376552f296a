"""The rules of tools: what admins may say of them, and who finds them."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4, uuid5

from services.actor import Actor
from services.viewer import Viewer
from shared.kit.errors import Conflict, RuleViolated
from shared.kit.http.context import correlation_id
from shared.kit.stale_writes import again_when_stale
from shared.models.event import Command
from shared.models.tool import (
    AdministeredTool,
    AdministeredToolPage,
    DeleteTool,
    SetFavourite,
    ToolCategories,
    ToolCreate,
    ToolCreated,
    ToolDeleted,
    ToolFields,
    ToolPage,
    ToolUpdate,
    ToolUpdated,
    WriteTool,
)


@dataclass(frozen=True)
class WantedTools:
    """Which tools a page is of; None does not narrow it.

    `search` is a part of name, summary or category.
    """

    search: str | None = None
    category: str | None = None
    favourite: bool | None = None


class Tools(Protocol):
    """Stores tools."""

    async def get(self, tool_id: UUID) -> AdministeredTool:
        """Raises NotFound `tool_not_found`."""

    async def page(
        self, wanted: WantedTools, limit: int, before: str | None
    ) -> AdministeredToolPage:
        """At most `limit` tools before the cursor, newest first.

        Raises InvalidRequest `cursor_invalid`.
        """

    async def create(self, command: Command[WriteTool]) -> AdministeredTool:
        """Raises NotFound `user_not_found`, Conflict `tool_name_taken` or `command_reused`."""

    async def replace(self, command: Command[WriteTool]) -> AdministeredTool:
        """Raises what `create` raises, NotFound `tool_not_found`, Conflict `stale_version`."""

    async def delete(self, command: Command[DeleteTool]) -> None:
        """Raises NotFound `tool_not_found`."""


class Library(Protocol):
    """The tools that a user may open."""

    async def page(
        self, viewer: Viewer, wanted: WantedTools, limit: int, before: str | None
    ) -> ToolPage:
        """At most `limit` tools before the cursor, newest first.

        Raises InvalidRequest `cursor_invalid`.
        """

    async def categories(self, viewer: Viewer) -> ToolCategories:
        """Their categories, sorted."""

    async def set_favourite(
        self, user_id: UUID, tool_id: UUID, command: Command[SetFavourite]
    ) -> None:
        """Raises NotFound `tool_not_found` where the user may not open a new favourite."""


class ToolAdministration:
    """What admins see and change of tools."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def page(
        self, wanted: WantedTools, limit: int, before: str | None
    ) -> AdministeredToolPage:
        """A page of all tools, newest first. Raises InvalidRequest `cursor_invalid`."""
        return await self._tools.page(wanted, limit, before)

    async def get(self, tool_id: UUID) -> AdministeredTool:
        """Raises NotFound `tool_not_found`."""
        return await self._tools.get(tool_id)

    async def create(self, actor: Actor, new: ToolCreate, command_id: UUID) -> AdministeredTool:
        """Create a tool; a repeated `command_id` gives the same one.

        Raises:
            RuleViolated: `access_list_missing`, `access_list_unused`.
            NotFound: `user_not_found`, of a listed user.
            Conflict: `tool_name_taken`; `command_reused`, the command had other content.
        """
        fields = _checked(ToolFields.model_validate(new.model_dump()))
        tool_id = uuid5(command_id, "tool")
        created = ToolCreated(
            tool_id=tool_id, actor_id=actor.user_id, name=fields.name, network=actor.network
        )
        command = Command.with_event(
            "tool.created",
            created,
            data=WriteTool(tool_id=tool_id, **fields.model_dump()),
            aggregate_id=tool_id,
            correlation_id=correlation_id(),
            command_id=command_id,
        )
        return await self._tools.create(command)

    async def change(self, actor: Actor, tool_id: UUID, asked: ToolUpdate) -> AdministeredTool:
        """Change the fields that `asked` names and keep all others.

        A change to `access` `all` clears the list. What the tool already says changes nothing.

        Raises:
            RuleViolated: `access_list_missing`, `access_list_unused`.
            NotFound: `tool_not_found`; `user_not_found`, of a listed user.
            Conflict: `tool_name_taken`; `stale_version`, the tool has not the expected version or,
                where none is expected, three attempts met concurrent changes.
        """
        if asked.expected_version is not None:
            return await self._change_once(actor, tool_id, asked)
        return await again_when_stale(lambda: self._change_once(actor, tool_id, asked))

    async def _change_once(
        self, actor: Actor, tool_id: UUID, asked: ToolUpdate
    ) -> AdministeredTool:
        stored = await self._tools.get(tool_id)
        if asked.expected_version not in {None, stored.version}:
            raise Conflict("The tool has changed since it was read.", code="stale_version")
        before = ToolFields.model_validate(stored.model_dump())
        named = asked.model_dump(exclude={"expected_version"}, exclude_unset=True)
        if asked.access == "all":
            named = {"roles": [], "user_ids": []} | named
        fields = _checked(ToolFields.model_validate(before.model_dump() | named))
        changed = sorted(name for name, value in fields if value != getattr(before, name))
        if not changed:
            return stored
        updated = ToolUpdated(
            tool_id=tool_id,
            actor_id=actor.user_id,
            name=fields.name,
            changed=changed,
            network=actor.network,
        )
        command = Command.with_event(
            "tool.updated",
            updated,
            data=WriteTool(tool_id=tool_id, **fields.model_dump()),
            aggregate_id=tool_id,
            expected_version=stored.version,
            correlation_id=correlation_id(),
        )
        return await self._tools.replace(command)

    async def delete(self, actor: Actor, tool_id: UUID) -> None:
        """Remove a tool with its favourites and its count of launches.

        Raises NotFound `tool_not_found`.
        """
        stored = await self._tools.get(tool_id)
        deleted = ToolDeleted(
            tool_id=tool_id, actor_id=actor.user_id, name=stored.name, network=actor.network
        )
        command = Command.with_event(
            "tool.deleted",
            deleted,
            data=DeleteTool(tool_id=tool_id),
            aggregate_id=tool_id,
            correlation_id=correlation_id(),
        )
        await self._tools.delete(command)


class ToolLibrary:
    """What users see of tools, and their favourites."""

    def __init__(self, library: Library) -> None:
        self._library = library

    async def page(
        self, viewer: Viewer, wanted: WantedTools, limit: int, before: str | None
    ) -> ToolPage:
        """A page of the tools that the user may open. Raises InvalidRequest `cursor_invalid`."""
        return await self._library.page(viewer, wanted, limit, before)

    async def categories(self, viewer: Viewer) -> ToolCategories:
        """The categories of the tools that the user may open, sorted."""
        return await self._library.categories(viewer)

    async def set_favourite(self, viewer: Viewer, tool_id: UUID, *, favourite: bool) -> None:
        """Add or remove a favourite; a repeat changes nothing.

        Raises NotFound `tool_not_found` of one to add that the user may not open.
        """
        command = Command[SetFavourite](
            command_id=uuid4(), data=SetFavourite(role=viewer.role, favourite=favourite)
        )
        await self._library.set_favourite(viewer.user_id, tool_id, command)


def _checked(fields: ToolFields) -> ToolFields:
    """The fields with their lists sorted and without repeats."""
    fields = fields.model_copy(
        update={"roles": sorted(set(fields.roles)), "user_ids": sorted(set(fields.user_ids))}
    )
    listed = bool(fields.roles or fields.user_ids)
    if fields.access == "all" and listed:
        raise RuleViolated(
            "Access for all takes no list: leave out roles and user_ids.", code="access_list_unused"
        )
    if fields.access != "all" and not listed:
        raise RuleViolated(
            f"Access {fields.access!r} needs roles or user_ids.", code="access_list_missing"
        )
    return fields
