"""Tools, as admins keep them."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.page_position import PagePosition, page_of
from shared.models.event import Command
from shared.models.tool import AdministeredTool, AdministeredToolPage, DeleteTool, WriteTool

if TYPE_CHECKING:
    import asyncpg

    from database import Connection

_TOOLS = """
SELECT id, name, summary, category, icon, url, access, roles,
    ARRAY(SELECT user_id FROM tool_users WHERE tool_id = tools.id ORDER BY user_id) AS user_ids,
    coalesce(launches, 0) AS launches, version, created_at, updated_at
FROM tools
LEFT JOIN tool_launches ON tool_id = id
"""

_BY_ID = f"{_TOOLS} WHERE id = $1"

_PAGE = f"{_TOOLS} WHERE (created_at, id) < ($1, $2)"

OF_CATEGORY = " AND category = ${}"

CONTAINING = " AND searched LIKE lower(${})"

NEWEST_FIRST = " ORDER BY created_at DESC, id DESC LIMIT ${}"

_INSERT = """
INSERT INTO tools (id, name, summary, category, icon, url, access, roles)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_REPLACE = """
UPDATE tools
SET name = $3, summary = $4, category = $5, icon = $6, url = $7, access = $8, roles = $9,
    version = version + 1, updated_at = now()
WHERE id = $1 AND version = coalesce($2, version)
RETURNING id
"""

_UNLIST_USERS = "DELETE FROM tool_users WHERE tool_id = $1 AND user_id <> ALL ($2::uuid[])"

_LIST_USERS = """
INSERT INTO tool_users (tool_id, user_id)
SELECT $1, unnest($2::uuid[])
ON CONFLICT DO NOTHING
"""

_DELETE = "DELETE FROM tools WHERE id = $1"


class ToolRepository:
    """Reads and writes `tools` and `tool_users`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def by_id(self, tool_id: UUID) -> AdministeredTool:
        """Raises NotFound `tool_not_found`."""
        return _tool(await self._database.row(_BY_ID, tool_id))

    async def page(
        self, *, search: str | None, category: str | None, limit: int, before: PagePosition
    ) -> AdministeredToolPage:
        """At most `limit` tools older than `before`, newest first.

        `search` is a part of name, summary or category, in any case.
        """
        statement, values = narrowed(
            _PAGE, [before.instant, before.item_id], search=search, category=category, limit=limit
        )
        rows = await self._database.rows(statement, *values)
        shown, following = page_of(rows, limit, position_of)
        return AdministeredToolPage(items=[_tool(row) for row in shown], next=following)

    async def create(self, command: Command[WriteTool]) -> StoredAnswer:
        """Store a new tool: 201 `AdministeredTool`.

        Raises:
            NotFound: `user_not_found`, of a listed user.
            Conflict: `tool_name_taken`, `tool_exists`.
        """
        new = command.data

        async def write(connection: "Connection") -> AdministeredTool:
            await connection.execute(_INSERT, new.tool_id, *_fields(new))
            return await _with_users(connection, new)

        return await self._commands.execute("create_tool", command, 201, write)

    async def replace(self, tool_id: UUID, command: Command[WriteTool]) -> StoredAnswer:
        """Replace what a tool says: 200 `AdministeredTool`.

        Raises:
            NotFound: `tool_not_found`; `user_not_found`, of a listed user.
            Conflict: `stale_version`, `tool_name_taken`.
        """
        new = command.data.model_copy(update={"tool_id": tool_id})

        async def write(connection: "Connection") -> AdministeredTool:
            replaced = await connection.fetchval(
                _REPLACE, tool_id, command.expected_version, *_fields(new)
            )
            if replaced is None:
                _tool(await connection.fetchrow(_BY_ID, tool_id))
                raise Conflict("The tool has changed since it was read.", code="stale_version")
            return await _with_users(connection, new)

        return await self._commands.execute(f"replace_tool {tool_id}", command, 200, write)

    async def delete(self, tool_id: UUID, command: Command[DeleteTool]) -> StoredAnswer:
        """Remove a tool with its favourites and its count: 200 `AdministeredTool`.

        Raises NotFound `tool_not_found`.
        """

        async def write(connection: "Connection") -> AdministeredTool:
            tool = _tool(await connection.fetchrow(_BY_ID, tool_id))
            await connection.execute(_DELETE, tool_id)
            return tool

        return await self._commands.execute(f"delete_tool {tool_id}", command, 200, write)


def narrowed(
    statement: str,
    values: list[object],
    *,
    search: str | None,
    category: str | None,
    limit: int,
) -> tuple[str, list[object]]:
    """The statement of a page of tools, newest first, with one row more than `limit`.

    Each narrowing is a condition of its own, so that its index serves it.
    """
    for condition, value in (
        (CONTAINING, None if search is None else _containing(search)),
        (OF_CATEGORY, category),
        (NEWEST_FIRST, limit + 1),
    ):
        if value is not None:
            values = [*values, value]
            statement += condition.format(len(values))
    return statement, values


def position_of(row: "asyncpg.Record") -> PagePosition:
    return PagePosition.after(row["created_at"], row["id"])


def _containing(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def _with_users(connection: "Connection", tool: WriteTool) -> AdministeredTool:
    await connection.execute(_UNLIST_USERS, tool.tool_id, tool.user_ids)
    await connection.execute(_LIST_USERS, tool.tool_id, tool.user_ids)
    return _tool(await connection.fetchrow(_BY_ID, tool.tool_id))


def _fields(tool: WriteTool) -> tuple[object, ...]:
    return (
        tool.name,
        tool.summary,
        tool.category,
        tool.icon,
        tool.url,
        tool.access,
        tool.roles,
    )


def _tool(row: "asyncpg.Record | None") -> AdministeredTool:
    if row is None:
        raise NotFound("There is no such tool.", code="tool_not_found")
    return AdministeredTool.model_validate(dict(row))
