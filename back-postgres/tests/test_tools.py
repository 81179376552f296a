"""Tools, who may open them, favourites, and counts of launches, on PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from database import Database
from repositories.command_repository import CommandRepository
from repositories.tool_library_repository import ToolLibraryRepository
from shared.kit.http.page_position import END
from shared.models.event import Command
from shared.models.tool import (
    AdministeredToolPage,
    DeleteTool,
    FoundTools,
    LaunchTool,
    SetFavourite,
    ToolPage,
    WriteTool,
)
from shared.models.user import Role
from shared.testing.asgi_client import AsgiReply
from tests.builders import registered
from tests.callers import Callers

MANY = 10_000


def tool(**changes: object) -> WriteTool:
    fields: dict[str, object] = {
        "tool_id": uuid4(),
        "name": f"Board {uuid4().hex}",
        "summary": "Plans of the team",
        "category": "Planning",
        "url": "https://board.example.org/",
        "access": "all",
        "roles": [],
        "user_ids": [],
    }
    return WriteTool.model_validate(fields | changes)


def command_of(written: WriteTool, expected_version: int | None = None) -> Command[WriteTool]:
    return Command(command_id=uuid4(), expected_version=expected_version, data=written)


async def stored(service: Callers, **changes: object) -> UUID:
    written = tool(**changes)
    reply = await service.api("POST", "/tools", command_of(written))
    assert reply.status == 201, reply.text
    return written.tool_id


async def library(
    service: Callers, user_id: UUID, role: Role = "user", query: str = ""
) -> AsgiReply:
    return await service.api("GET", f"/users/{user_id}/tools?role={role}{query}")


async def opened(
    service: Callers, user_id: UUID, role: Role = "user", query: str = ""
) -> set[UUID]:
    """The ids of the tools that the user may open."""
    return {item.id for item in page_of(await library(service, user_id, role, query)).items}


async def favour(
    service: Callers, user_id: UUID, tool_id: UUID, *, favourite: bool = True
) -> AsgiReply:
    command = Command[SetFavourite](
        command_id=uuid4(), data=SetFavourite(role="user", favourite=favourite)
    )
    return await service.api("PUT", f"/users/{user_id}/favourites/{tool_id}", command)


async def launch(
    service: Callers, user_id: UUID, tool_id: UUID, command_id: UUID | None = None
) -> AsgiReply:
    data = LaunchTool(tool_id=tool_id, role="user")
    command = Command[LaunchTool](command_id=command_id or uuid4(), data=data)
    return await service.api("POST", f"/users/{user_id}/launches", command)


def page_of(reply: AsgiReply) -> ToolPage:
    assert reply.status == 200, reply.text
    return ToolPage.model_validate_json(reply.body)


async def administered(service: Callers, query: str = "") -> AdministeredToolPage:
    reply = await service.api("GET", f"/tools{query}")
    assert reply.status == 200, reply.text
    return AdministeredToolPage.model_validate_json(reply.body)


def code(reply: AsgiReply) -> tuple[int, str]:
    return reply.status, str(reply.json()["code"])


class TestWrites:
    async def test_a_tool_can_be_read_back(self, service: Callers) -> None:
        user = await registered(service)
        written = tool(
            name="Ñandú", icon="chart", access="only", roles=["admin"], user_ids=[user.user_id]
        )

        created = await service.api("POST", "/tools", command_of(written))

        assert created.status == 201
        read = (await service.api("GET", f"/tools/{written.tool_id}")).json()
        assert read == created.json()
        assert {name: read[name] for name in ("name", "icon", "access", "roles", "user_ids")} == {
            "name": "Ñandú",
            "icon": "chart",
            "access": "only",
            "roles": ["admin"],
            "user_ids": [str(user.user_id)],
        }
        assert (read["version"], read["launches"]) == (1, 0)

    async def test_a_repeat_of_the_command_stores_one(self, service: Callers) -> None:
        command = command_of(tool())
        first = await service.api("POST", "/tools", command)
        again = await service.api("POST", "/tools", command)
        assert (again.status, again.body) == (201, first.body)

    async def test_a_name_is_taken_once_in_any_case(self, service: Callers) -> None:
        await stored(service, name="Figures")
        other = await stored(service, name="Others")
        taken = tool(name="FIGURES", tool_id=other)
        refused = await service.api("POST", "/tools", command_of(tool(name="fIGURES")))
        renamed = await service.api("PUT", f"/tools/{other}", command_of(taken))
        assert code(refused) == code(renamed) == (409, "tool_name_taken")

    async def test_an_id_is_taken_once(self, service: Callers) -> None:
        tool_id = await stored(service)
        reply = await service.api("POST", "/tools", command_of(tool(tool_id=tool_id)))
        assert code(reply) == (409, "tool_exists")

    async def test_whom_it_lists_exists(self, service: Callers) -> None:
        written = tool(access="only", user_ids=[uuid4()])
        reply = await service.api("POST", "/tools", command_of(written))
        assert code(reply) == (404, "user_not_found")
        assert code(await service.api("GET", f"/tools/{written.tool_id}")) == (
            404,
            "tool_not_found",
        )

    async def test_a_replacement_replaces_the_list(self, service: Callers) -> None:
        first, second = await registered(service), await registered(service)
        tool_id = await stored(service, access="only", user_ids=[first.user_id])
        new = tool(access="except", roles=["admin"], user_ids=[second.user_id])

        reply = await service.api("PUT", f"/tools/{tool_id}", command_of(new, 1))

        assert reply.status == 200
        read = reply.json()
        assert (read["access"], read["roles"], read["user_ids"], read["version"]) == (
            "except",
            ["admin"],
            [str(second.user_id)],
            2,
        )
        assert read["id"] == str(tool_id)

    async def test_a_stale_version_is_refused(self, service: Callers) -> None:
        tool_id = await stored(service)
        reply = await service.api("PUT", f"/tools/{tool_id}", command_of(tool(), 7))
        assert code(reply) == (409, "stale_version")

    async def test_a_tool_goes_with_its_favourites_and_count(
        self, service: Callers, database: Database
    ) -> None:
        user = await registered(service)
        tool_id = await stored(service, access="only", user_ids=[user.user_id])
        await favour(service, user.user_id, tool_id)
        await launch(service, user.user_id, tool_id)
        gone = Command[DeleteTool](command_id=uuid4(), data=DeleteTool(tool_id=tool_id))

        deleted = await service.api("POST", f"/tools/{tool_id}/deletion", gone)
        again = await service.api("POST", f"/tools/{tool_id}/deletion", gone)

        assert (deleted.status, deleted.json()["id"]) == (200, str(tool_id))
        assert again.body == deleted.body
        left = await database.rows(
            "SELECT tool_id FROM favourites UNION ALL SELECT tool_id FROM tool_launches"
            " UNION ALL SELECT tool_id FROM tool_users"
        )
        assert left == []

    async def test_no_such_tool(self, service: Callers) -> None:
        missing = f"/tools/{uuid4()}"
        gone = Command[DeleteTool](command_id=uuid4(), data=DeleteTool(tool_id=uuid4()))
        replies = [
            await service.api("GET", missing),
            await service.api("PUT", missing, command_of(tool())),
            await service.api("POST", f"{missing}/deletion", gone),
        ]
        assert [code(reply) for reply in replies] == [(404, "tool_not_found")] * 3

    async def test_a_user_who_goes_leaves_no_row(
        self, service: Callers, database: Database
    ) -> None:
        user = await registered(service)
        tool_id = await stored(service, access="except", user_ids=[user.user_id])
        other = await stored(service)
        assert (await favour(service, user.user_id, other)).status == 200
        await database.row("DELETE FROM users WHERE id = $1", user.user_id)
        assert await database.rows("SELECT user_id FROM favourites") == []
        assert (await service.api("GET", f"/tools/{tool_id}")).json()["user_ids"] == []


class TestAccess:
    @pytest.mark.parametrize(
        "access, listed, expected",
        [
            ("all", "nobody", True),
            ("except", "the user", False),
            ("except", "the role", False),
            ("except", "somebody else", True),
            ("only", "the user", True),
            ("only", "the role", True),
            ("only", "somebody else", False),
            ("only", "nobody", False),
        ],
    )
    async def test_who_may_open_a_tool(
        self, service: Callers, access: str, listed: str, *, expected: bool
    ) -> None:
        user, other = await registered(service), await registered(service)
        roles = {"the role": ["user"], "somebody else": ["admin"]}.get(listed, [])
        users = {"the user": [user.user_id], "somebody else": [other.user_id]}.get(listed, [])
        tool_id = await stored(service, access=access, roles=roles, user_ids=users)

        found = await opened(service, user.user_id)
        wanted = {"role": "user", "tool_ids": [str(tool_id)]}
        path = f"/users/{user.user_id}"
        looked_up = await service.api("POST", f"{path}/tools/lookup", wanted)
        categories = await service.api("GET", f"{path}/tool-categories?role=user")
        favourite = await favour(service, user.user_id, tool_id)
        launched = await launch(service, user.user_id, tool_id)

        assert (tool_id in found) is expected
        assert bool(looked_up.json()["items"]) is expected
        assert bool(categories.json()["items"]) is expected
        assert (favourite.status, launched.status) == ((200, 201) if expected else (404, 404))

    async def test_another_role_opens_others(self, service: Callers) -> None:
        user = await registered(service)
        tool_id = await stored(service, access="only", roles=["admin"])
        assert tool_id in await opened(service, user.user_id, "admin")
        assert await opened(service, user.user_id) == set()


class TestLibrary:
    async def test_is_searched_by_a_part_of_each_text_in_any_case(self, service: Callers) -> None:
        user = await registered(service)
        expected = {
            await stored(service, name="My Kanban wall"),
            await stored(service, summary="Small KANBAN cards"),
            await stored(service, category="Ankankanban"),
        }
        await stored(service)
        assert await opened(service, user.user_id, query="&search=kaNBAn") == expected
        assert await opened(service, user.user_id, query="&search=zzz") == set()

    @pytest.mark.parametrize("wildcard", ["%25", "_", "%5C", "Pl_ns", "Pl%25ns"])
    async def test_a_wildcard_is_a_character(self, service: Callers, wildcard: str) -> None:
        user = await registered(service)
        await stored(service)
        exact = await stored(service, name="100% of _a\\b_ Pl_ns Pl%ns")
        assert await opened(service, user.user_id, query=f"&search={wildcard}") == {exact}

    async def test_is_narrowed_by_category_and_favourite(self, service: Callers) -> None:
        user, other = await registered(service), await registered(service)
        chat = await stored(service, category="Chat")
        plan = await stored(service, category="Plan")
        for _ in range(2):
            assert (await favour(service, user.user_id, chat)).json() == {"favourite": True}
        await favour(service, other.user_id, plan)
        assert await opened(service, user.user_id, query="&category=Plan") == {plan}
        assert await opened(service, user.user_id, query="&favourite=true") == {chat}
        assert await opened(service, user.user_id, query="&favourite=false") == {plan}
        assert await opened(service, user.user_id, query="&favourite=true&category=Plan") == set()
        for _ in range(2):
            gone = await favour(service, user.user_id, chat, favourite=False)
            assert gone.json() == {"favourite": False}
        assert await opened(service, user.user_id, query="&favourite=true") == set()
        assert await opened(service, other.user_id, query="&favourite=true") == {plan}

    async def test_comes_by_pages_newest_first(self, service: Callers) -> None:
        user = await registered(service)
        ids = [await stored(service, name=f"{number}") for number in range(5)]
        await stored(service, access="only", roles=["admin"])
        found: list[UUID] = []
        before = ""
        for size in (2, 2, 1):
            page = page_of(await library(service, user.user_id, query=f"&limit=2{before}"))
            assert len(page.items) == size
            found += [item.id for item in page.items]
            before = f"&before={page.next}"
        assert page.next is None
        assert found == [*reversed(ids)]

    async def test_admins_page_and_search_all(self, service: Callers) -> None:
        hidden = await stored(service, name="Hidden", access="only", roles=["admin"])
        shown = await stored(service, category="Chat")
        first = await administered(service, "?limit=1")
        second = await administered(service, f"?limit=1&before={first.next}")
        found = await administered(service, "?search=hidden")
        narrowed = await administered(service, "?category=Chat")
        pages = [first, second, found, narrowed]
        assert [[tool.id for tool in page.items] for page in pages] == [
            [shown],
            [hidden],
            [hidden],
            [shown],
        ]
        assert (second.next, found.next) == (None, None)

    async def test_garbage_is_no_cursor(self, service: Callers) -> None:
        replies = [
            await library(service, uuid4(), query="&before=x"),
            await service.api("GET", "/tools?before=x"),
        ]
        assert [code(reply) for reply in replies] == [(400, "cursor_invalid")] * 2

    async def test_has_the_categories_sorted(self, service: Callers) -> None:
        user = await registered(service)
        for category in ("Plan", "Chat", "Plan"):
            await stored(service, category=category)
        await stored(service, category="Hidden", access="only", roles=["admin"])
        path = f"/users/{user.user_id}/tool-categories"
        assert (await service.api("GET", f"{path}?role=user")).json()["items"] == ["Chat", "Plan"]
        admins = (await service.api("GET", f"{path}?role=admin")).json()["items"]
        assert admins == ["Chat", "Hidden", "Plan"]

    async def test_looks_up_in_the_order_of_the_request(self, service: Callers) -> None:
        user = await registered(service)
        ids = [await stored(service) for _ in range(3)]
        wanted = [ids[1], uuid4(), ids[2], ids[0]]
        body = {"role": "user", "tool_ids": [str(it) for it in wanted]}
        reply = await service.api("POST", f"/users/{user.user_id}/tools/lookup", body)
        found = FoundTools.model_validate_json(reply.body).items
        assert [tool.id for tool in found] == [ids[1], ids[2], ids[0]]


class TestLaunches:
    async def test_each_command_counts_once(self, service: Callers) -> None:
        user, other = await registered(service), await registered(service)
        tool_id = await stored(service)
        command_id = uuid4()
        replies = [
            await launch(service, user.user_id, tool_id, command_id),
            await launch(service, user.user_id, tool_id, command_id),
            await launch(service, other.user_id, tool_id),
        ]
        assert [(it.status, it.json()) for it in replies] == [
            (201, {"url": "https://board.example.org/"})
        ] * 3
        [card] = page_of(await library(service, other.user_id)).items
        assert card.launches == 2
        [tool] = (await administered(service)).items
        assert (tool.launches, tool.version) == (2, 1)

    async def test_launches_at_the_same_time_all_count(self, service: Callers) -> None:
        user, tool_id = await registered(service), await stored(service)
        await asyncio.gather(*(launch(service, user.user_id, tool_id) for _ in range(12)))
        assert (await service.api("GET", f"/tools/{tool_id}")).json()["launches"] == 12

    async def test_of_somebody_who_is_gone_is_none(self, service: Callers) -> None:
        assert code(await launch(service, uuid4(), await stored(service))) == (
            404,
            "tool_not_found",
        )


_FILL = """
INSERT INTO tools (id, name, summary, category, url, access, roles, created_at)
SELECT gen_random_uuid(), 'Tool ' || number || ' ' || md5(number::text), md5((-number)::text),
    'Category ' || number % 20, 'https://example.org/', 'all', '{}', now() + number * interval '1s'
FROM generate_series(1, $1) AS number
"""

PAGES_AT_MOST = 300
"""A page of the 50 newest reads each row by two indexes; all rows are on some 500 pages."""

SEARCHES: list[tuple[str | None, str | None, int]] = [
    (None, None, 50),
    (None, "Category 7", 50),
    ("tool 777 ", None, 1),
    ("tool 77", "Category 7", 5),
    ("no such tool", None, 0),
]
"""What is searched, the category, and how many tools of the first page that gives."""


async def pages_read(database: Database, mode: str, statement: str, values: list[object]) -> int:
    async with database.transaction() as connection:
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        plan = json.loads(await connection.fetchval(explain, *values))[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


class TestCost:
    @pytest.fixture
    async def many(
        self, database: Database, commands: CommandRepository
    ) -> AsyncIterator[ToolLibraryRepository]:
        async with database.connection() as connection:
            await connection.execute("SET statement_timeout = 0")
            await connection.execute(_FILL, MANY, timeout=60)
            await connection.execute("RESET statement_timeout")
        await database.row("ANALYZE tools")
        yield ToolLibraryRepository(database, commands)
        await database.row("TRUNCATE tools CASCADE")

    async def test_a_page_of_many_tools_reads_few_pages(
        self, database: Database, many: ToolLibraryRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[tuple[str, list[object]]] = []
        rows = database.rows

        async def noted(statement: str, *values: object) -> object:
            asked.append((statement, list(values)))
            return await rows(statement, *values)

        monkeypatch.setattr(database, "rows", noted)
        for search, category, found in SEARCHES:
            page = await many.page(
                uuid4(),
                "user",
                search=search,
                category=category,
                favourite=None,
                limit=50,
                before=END,
            )
            assert len(page.items) == found
            for mode in ("force_generic_plan", "force_custom_plan"):
                pages = await pages_read(database, mode, *asked[-1])
                assert pages <= PAGES_AT_MOST, (mode, search, category)
