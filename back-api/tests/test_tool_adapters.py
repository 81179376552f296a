"""One suite for the stores of tools: the fakes, the adapters, and the real services."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from stub_services import StubServices

from features.tool_catalogue.domain import Library, Tools, WantedTools
from features.tool_catalogue.infrastructure import PostgresToolLibrary, PostgresTools
from features.tool_launches.domain import LastLaunches, OpenTools
from features.tool_launches.infrastructure import CassandraLaunches, PostgresOpenTools
from services.auth_credentials import AuthCredentials
from services.postgres_users import PostgresUsers
from services.viewer import Viewer
from shared.kit.errors import Conflict, InvalidRequest, NotFound
from shared.kit.http.client import ServiceClient
from shared.kit.http.context import correlated
from shared.models.base import now
from shared.models.event import ApplyEvents, Command, EventEnvelope, EventsApplied
from shared.models.tool import (
    AdministeredTool,
    DeleteTool,
    LaunchPage,
    LaunchTool,
    SetFavourite,
    ToolLaunched,
    WriteTool,
)
from shared.models.user import NewUser
from shared.testing.asgi_transport import AsgiTransport
from shared.testing.identities import Identities
from shared.testing.stack_client import stack_client

NewUserId = Callable[[], Awaitable[UUID]]
Launched = Callable[[UUID, UUID], Awaitable[None]]


class LaunchSeries(LastLaunches, Protocol):
    """Launches as the domain reads the last ones, and the export of an account all of them."""

    async def page(self, user_id: UUID, limit: int, before: str | None) -> LaunchPage: ...


@dataclass
class World:
    """The stores from one source; `user` makes a user, `launched` brings a launch to its series."""

    tools: Tools
    library: Library
    open_tools: OpenTools
    launches: LaunchSeries
    user: NewUserId
    launched: Launched

    async def tool(self, **fields: object) -> AdministeredTool:
        return await self.tools.create(writing(**fields))


def writing(version: int | None = None, /, **fields: object) -> Command[WriteTool]:
    body: dict[str, object] = {
        "tool_id": uuid4(),
        "name": f"Tool {uuid4()}",
        "summary": "A summary",
        "category": f"{uuid4()}",
        "icon": "map",
        "url": "https://tool.example.org/",
        "access": "all",
        "roles": [],
        "user_ids": [],
    }
    written = WriteTool.model_validate(body | fields)
    return Command(command_id=uuid4(), expected_version=version, data=written)


def favouring(*, favourite: bool) -> Command[SetFavourite]:
    return Command(command_id=uuid4(), data=SetFavourite(role="user", favourite=favourite))


def launching(tool_id: UUID) -> Command[LaunchTool]:
    return Command(command_id=uuid4(), data=LaunchTool(tool_id=tool_id, role="user"))


def world_of_fakes(stubs: StubServices) -> World:
    async def user() -> UUID:
        return uuid4()

    async def launched(user_id: UUID, tool_id: UUID) -> None:
        stubs.launches.add(user_id, [tool_id])

    return World(stubs.tools, stubs.library, stubs.library, stubs.launches, user, launched)


def world_of_adapters(
    postgres: ServiceClient, cassandra: ServiceClient, user: NewUserId, launched: Launched
) -> World:
    return World(
        PostgresTools(postgres),
        PostgresToolLibrary(postgres),
        PostgresOpenTools(postgres),
        CassandraLaunches(cassandra),
        user,
        launched,
    )


async def real_world(stack: AsyncExitStack) -> World:
    postgres, cassandra, auth = [
        await stack.enter_async_context(stack_client("back-api", name))
        for name in ("back-postgres", "back-cassandra", "back-auth")
    ]
    relay = await stack.enter_async_context(stack_client("back-workers", "back-cassandra"))

    async def user() -> UUID:
        credential_id = await AuthCredentials(auth).store("correct horse battery staple")
        new = NewUser(
            user_id=uuid4(), email=f"{uuid4().hex}@example.org", credential_id=credential_id
        )
        created = await PostgresUsers(postgres).create(Command(command_id=uuid4(), data=new))
        return created.id

    async def launched(user_id: UUID, tool_id: UUID) -> None:
        envelope = EventEnvelope(
            event_id=uuid4(),
            event_type="tool.launched",
            occurred_at=now(),
            correlation_id="a-test-of-adapters",
            payload=ToolLaunched(user_id=user_id, tool_id=tool_id).model_dump(mode="json"),
        )
        events = ApplyEvents(events=[envelope])
        await relay.post("/launches/events", events, response_model=EventsApplied, idempotent=True)

    return world_of_adapters(postgres, cassandra, user, launched)


@pytest.fixture(params=["fakes", "adapters", pytest.param("real", marks=pytest.mark.real)])
async def world(
    request: pytest.FixtureRequest, stubs: StubServices, keys: Identities
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        stack.enter_context(correlated(None))
        fakes = world_of_fakes(stubs)
        if request.param == "fakes":
            yield fakes
        elif request.param == "adapters":
            postgres, cassandra = [
                keys.client("back-api", name, AsgiTransport(stubs.apps()[name]))
                for name in ("back-postgres", "back-cassandra")
            ]
            yield world_of_adapters(postgres, cassandra, fakes.user, fakes.launched)
        else:
            yield await real_world(stack)


class TestTools:
    async def test_is_found_as_written(self, world: World) -> None:
        user_id = await world.user()
        command = writing(access="only", roles=["admin"], user_ids=[user_id])
        tool = await world.tools.create(command)
        assert tool.model_dump(include=set(WriteTool.model_fields)) == (
            command.data.model_dump(exclude={"tool_id"})
        )
        assert (tool.id, tool.version, tool.launches) == (command.data.tool_id, 1, 0)
        assert await world.tools.get(tool.id) == tool
        assert await world.tools.create(command) == tool, "a repeat"

    async def test_is_replaced_by_whoever_knows_its_version(self, world: World) -> None:
        tool = await world.tool()
        changed = await world.tools.replace(writing(1, tool_id=tool.id, summary="New"))
        assert (changed.id, changed.summary, changed.version) == (tool.id, "New", 2)
        with pytest.raises(Conflict, match="stale_version"):
            await world.tools.replace(writing(1, tool_id=tool.id))
        with pytest.raises(NotFound, match="tool_not_found"):
            await world.tools.replace(writing())

    async def test_a_name_is_taken_in_any_case(self, world: World) -> None:
        tool = await world.tool()
        with pytest.raises(Conflict, match="tool_name_taken"):
            await world.tool(name=tool.name.upper())

    async def test_is_gone_once_deleted(self, world: World) -> None:
        tool = await world.tool()
        deleting = Command[DeleteTool](command_id=uuid4(), data=DeleteTool(tool_id=tool.id))
        await world.tools.delete(deleting)
        with pytest.raises(NotFound, match="tool_not_found"):
            await world.tools.get(tool.id)
        with pytest.raises(NotFound, match="tool_not_found"):
            await world.tools.delete(deleting.model_copy(update={"command_id": uuid4()}))

    async def test_comes_by_pages(self, world: World) -> None:
        older = await world.tool()
        newer = await world.tool(category=older.category)
        wanted = WantedTools(search=older.category.upper(), category=older.category)
        first = await world.tools.page(wanted, 1, None)
        second = await world.tools.page(wanted, 1, first.next)
        assert [first.items, second.items, second.next] == [[newer], [older], None]
        with pytest.raises(InvalidRequest, match="cursor_invalid"):
            await world.tools.page(wanted, 1, "garbage")


class TestLibrary:
    async def test_has_what_the_user_may_open(self, world: World) -> None:
        user_id = await world.user()
        shown = await world.tool(access="only", user_ids=[user_id])
        hidden = await world.tool(
            category=shown.category, access="except", roles=["user"], name=f"Z {uuid4()}"
        )
        wanted = WantedTools(category=shown.category)
        for role, expected in (("user", [shown.id]), ("admin", [hidden.id, shown.id])):
            viewer = Viewer.of(user_id, role)
            page = await world.library.page(viewer, wanted, 10, None)
            assert [it.id for it in page.items] == expected
            assert shown.category in (await world.library.categories(viewer)).items
            found = await world.open_tools.find(viewer, [shown.id, uuid4(), hidden.id])
            assert {it.id for it in found} == set(expected)

    async def test_a_favourite_is_one_until_it_is_not(self, world: World) -> None:
        viewer, tool = Viewer(await world.user(), "user"), await world.tool()
        wanted = WantedTools(search=tool.name, favourite=True)
        for favourite in (True, True, False, False):
            await world.library.set_favourite(
                viewer.user_id, tool.id, favouring(favourite=favourite)
            )
            page = await world.library.page(viewer, wanted, 10, None)
            assert [(it.id, it.favourite) for it in page.items] == [(tool.id, True)] * favourite
        with pytest.raises(NotFound, match="tool_not_found"):
            await world.library.set_favourite(viewer.user_id, uuid4(), favouring(favourite=True))


class TestOpenTools:
    async def test_a_launch_counts_once_a_command(self, world: World) -> None:
        user_id, tool = await world.user(), await world.tool()
        command = launching(tool.id)
        for _ in range(2):
            assert (await world.open_tools.launch(user_id, command)).url == tool.url
        assert (await world.tools.get(tool.id)).launches == 1
        [card] = await world.open_tools.find(Viewer(user_id, "user"), [tool.id])
        assert card.launches == 1

    async def test_one_that_may_not_be_opened_is_not_found(self, world: World) -> None:
        user_id, tool = await world.user(), await world.tool(access="only", roles=["admin"])
        with pytest.raises(NotFound, match="tool_not_found"):
            await world.open_tools.launch(user_id, launching(tool.id))


@pytest.mark.contract(consumer="back-api", provider="back-cassandra")
class TestLastLaunches:
    async def test_has_each_tool_once_the_latest_first(self, world: World) -> None:
        user_id, first, second = uuid4(), uuid4(), uuid4()
        for tool_id in (first, second, first):
            await world.launched(user_id, tool_id)
        await world.launched(uuid4(), uuid4())
        assert [it.tool_id for it in await world.launches.last(user_id, 10)] == [first, second]
        assert [it.tool_id for it in await world.launches.last(user_id, 1)] == [first]
        assert await world.launches.last(uuid4(), 10) == []

    async def test_every_launch_is_on_a_page(self, world: World) -> None:
        user_id, tools = uuid4(), [uuid4() for _ in range(2)]
        for tool_id in [*tools, tools[0]]:
            await world.launched(user_id, tool_id)
        await world.launched(uuid4(), tools[0])
        first = await world.launches.page(user_id, 2, None)
        rest = await world.launches.page(user_id, 2, first.next)
        assert [it.tool_id for it in first.items] == [tools[0], tools[1]]
        assert ([it.tool_id for it in rest.items], rest.next) == ([tools[0]], None)
