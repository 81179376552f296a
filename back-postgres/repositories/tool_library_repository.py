"""The tools that a user may open, favourites, and counts of launches."""

from typing import TYPE_CHECKING
from uuid import UUID

from database import Database
from repositories.command_repository import CommandRepository, StoredAnswer
from repositories.tool_repository import narrowed, position_of
from shared.kit.errors import NotFound
from shared.kit.http.page_position import PagePosition, page_of
from shared.models.event import Command
from shared.models.tool import (
    FavouriteSet,
    FindTools,
    FoundTools,
    LaunchedTool,
    LaunchTool,
    SetFavourite,
    ToolCard,
    ToolCategories,
    ToolPage,
)
from shared.models.user import Role

if TYPE_CHECKING:
    from database import Connection

_OPEN = """(
    tools.access = 'all' OR (tools.access = 'only') = (
        $2 = ANY (tools.roles)
        OR EXISTS (
            SELECT FROM tool_users WHERE tool_users.tool_id = tools.id AND tool_users.user_id = $1
        )
    )
)"""
"""Whether the user $1 of the role $2 may open a tool."""

_CARDS = f"""
SELECT id, name, summary, category, icon, favourites.tool_id IS NOT NULL AS favourite,
    coalesce(launches, 0) AS launches, tools.created_at
FROM tools
LEFT JOIN favourites ON favourites.tool_id = id AND favourites.user_id = $1
LEFT JOIN tool_launches ON tool_launches.tool_id = id
WHERE {_OPEN}
"""  # noqa: S608 - constants alone

_PAGE = f"{_CARDS} AND (tools.created_at, id) < ($3, $4)"

_FAVOURITES = f"{_PAGE} AND favourites.tool_id IS NOT NULL"

_OTHERS = f"{_PAGE} AND favourites.tool_id IS NULL"

_BY_IDS = f"{_CARDS} AND id = ANY ($3::uuid[]) ORDER BY array_position($3::uuid[], id)"

# From one category to the next by the index, however many tools a category has.
_CATEGORIES = f"""
WITH RECURSIVE found AS (
    (SELECT category FROM tools ORDER BY category LIMIT 1)
    UNION ALL
    SELECT (
        SELECT later.category FROM tools AS later
        WHERE later.category > found.category
        ORDER BY later.category
        LIMIT 1
    )
    FROM found
    WHERE found.category IS NOT NULL
)
SELECT category
FROM found
WHERE EXISTS (SELECT FROM tools WHERE tools.category = found.category AND {_OPEN})
ORDER BY category
"""  # noqa: S608 - constants alone

_ADD_FAVOURITE = f"""
WITH found AS (
    SELECT id FROM tools WHERE id = $3 AND {_OPEN}
), added AS (
    INSERT INTO favourites (user_id, tool_id)
    SELECT $1, id FROM found
    ON CONFLICT DO NOTHING
)
SELECT id FROM found
"""  # noqa: S608 - constants alone

_REMOVE_FAVOURITE = "DELETE FROM favourites WHERE user_id = $1 AND tool_id = $2"

# A user who is gone may hold a token for a moment; a launch after the erasure would stay.
_COUNT_LAUNCH = f"""
WITH found AS (
    SELECT id, url FROM tools
    WHERE id = $3 AND {_OPEN} AND EXISTS (SELECT FROM users WHERE users.id = $1)
), counted AS (
    INSERT INTO tool_launches AS counts (tool_id, launches)
    SELECT id, 1 FROM found
    ON CONFLICT (tool_id) DO UPDATE SET launches = counts.launches + 1
)
SELECT url FROM found
"""  # noqa: S608 - constants alone


class ToolLibraryRepository:
    """Reads tools for their users, and writes `favourites` and `tool_launches`."""

    def __init__(self, database: Database, commands: CommandRepository) -> None:
        self._database = database
        self._commands = commands

    async def page(
        self,
        user_id: UUID,
        role: Role,
        *,
        search: str | None,
        category: str | None,
        favourite: bool | None,
        limit: int,
        before: PagePosition,
    ) -> ToolPage:
        """At most `limit` tools that the user may open, older than `before`, newest first.

        `search` is a part of name, summary or category, in any case. `favourite` narrows to the
        user's favourites, or to all others.
        """
        selection = {None: _PAGE, True: _FAVOURITES, False: _OTHERS}[favourite]
        statement, values = narrowed(
            selection,
            [user_id, role, before.instant, before.item_id],
            search=search,
            category=category,
            limit=limit,
        )
        rows = await self._database.rows(statement, *values)
        shown, following = page_of(rows, limit, position_of)
        items = [ToolCard.model_validate(dict(row)) for row in shown]
        return ToolPage(items=items, next=following)

    async def by_ids(self, user_id: UUID, wanted: FindTools) -> FoundTools:
        """Those of the tools that the user may open, in the order of the request."""
        rows = await self._database.rows(_BY_IDS, user_id, wanted.role, wanted.tool_ids)
        return FoundTools(items=[ToolCard.model_validate(dict(row)) for row in rows])

    async def categories(self, user_id: UUID, role: Role) -> ToolCategories:
        """The categories of the tools that the user may open, sorted."""
        rows = await self._database.rows(_CATEGORIES, user_id, role)
        return ToolCategories(items=[row["category"] for row in rows])

    async def set_favourite(
        self, user_id: UUID, tool_id: UUID, command: Command[SetFavourite]
    ) -> StoredAnswer:
        """Add or remove a favourite: 200 `FavouriteSet`.

        Raises NotFound: `tool_not_found`, of one to add that the user may not open;
        `user_not_found`.
        """
        asked = command.data

        async def write(connection: "Connection") -> FavouriteSet:
            if not asked.favourite:
                await connection.execute(_REMOVE_FAVOURITE, user_id, tool_id)
            elif not await connection.fetchval(_ADD_FAVOURITE, user_id, asked.role, tool_id):
                raise _not_found()
            return FavouriteSet(favourite=asked.favourite)

        operation = f"set_favourite {user_id} {tool_id}"
        return await self._commands.execute(operation, command, 200, write, subject_id=user_id)

    async def count_launch(self, user_id: UUID, command: Command[LaunchTool]) -> StoredAnswer:
        """Count a launch, once a command: 201 `LaunchedTool`.

        Raises NotFound `tool_not_found`: there is none, or the user may not open it.
        """
        asked = command.data

        async def write(connection: "Connection") -> LaunchedTool:
            url = await connection.fetchval(_COUNT_LAUNCH, user_id, asked.role, asked.tool_id)
            if url is None:
                raise _not_found()
            return LaunchedTool(url=url)

        return await self._commands.execute(
            f"count_launch {user_id}", command, 201, write, subject_id=user_id
        )


def _not_found() -> NotFound:
    return NotFound("There is no such tool.", code="tool_not_found")
