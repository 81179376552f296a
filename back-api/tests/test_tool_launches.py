"""Launches of tools and the tools used last."""

from uuid import UUID, uuid4

import pytest
from stub_services import StubServices

from features.tool_catalogue.domain import ToolAdministration
from services.actor import Actor
from shared.models.tool import RecentTools, ToolCreate
from shared.testing.asgi_client import AsgiClient

ACTOR = Actor(uuid4(), "192.0.2.9")


async def a_tool(stubs: StubServices, name: str, **fields: object) -> UUID:
    body: dict[str, object] = {
        "name": name,
        "summary": "s",
        "category": "c",
        "url": f"https://{name}.example.org/",
    }
    new = ToolCreate.model_validate(body | fields)
    return (await ToolAdministration(stubs.tools).create(ACTOR, new, uuid4())).id


@pytest.fixture
def headers(stubs: StubServices, user_id: UUID) -> dict[str, str]:
    return stubs.bearer(user_id)


class TestLaunch:
    async def test_gives_the_address_and_says_so_in_an_event(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID, headers: dict[str, str]
    ) -> None:
        tool_id = await a_tool(stubs, "board")
        reply = await api.post(f"/api/tools/{tool_id}/launch", headers=headers)
        assert (reply.status, reply.json()) == (201, {"url": "https://board.example.org/"})
        event = stubs.tools.events[-1]
        assert event.envelope.event_type == "tool.launched"
        assert event.envelope.payload == {"user_id": str(user_id), "tool_id": str(tool_id)}
        assert event.aggregate_id == user_id, "its deletion comes after all launches"
        assert stubs.tools.tools[tool_id].launches == 1

    async def test_counts_once_a_key(
        self, api: AsgiClient, stubs: StubServices, headers: dict[str, str]
    ) -> None:
        tool_id = await a_tool(stubs, "board")
        path = f"/api/tools/{tool_id}/launch"
        for key in ("one", "one", "two"):
            reply = await api.post(path, headers=headers | {"Idempotency-Key": key})
            assert reply.status == 201
        assert stubs.tools.tools[tool_id].launches == 2

    @pytest.mark.parametrize(
        "fields", [{"access": "only", "roles": ["admin"]}, {"access": "except", "roles": ["user"]}]
    )
    async def test_of_one_that_may_not_be_opened_is_not_found(
        self,
        api: AsgiClient,
        stubs: StubServices,
        headers: dict[str, str],
        fields: dict[str, object],
    ) -> None:
        tool_id = await a_tool(stubs, "board", **fields)
        for asked in (tool_id, uuid4()):
            reply = await api.post(f"/api/tools/{asked}/launch", headers=headers)
            assert (reply.status, reply.json()["code"]) == (404, "tool_not_found")
        assert stubs.tools.tools[tool_id].launches == 0


class TestRecent:
    async def test_has_the_tools_used_last_that_may_still_be_opened(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID, headers: dict[str, str]
    ) -> None:
        first, second = await a_tool(stubs, "first"), await a_tool(stubs, "second")
        barred = await a_tool(stubs, "barred", access="except", roles=["user"])
        stubs.launches.add(user_id, [first, second, barred, uuid4(), first])
        stubs.launches.add(uuid4(), [second])
        reply = await api.get("/api/tools/recent", headers=headers)
        found = RecentTools.model_validate_json(reply.body)
        assert [(it.id, it.name) for it in found.items] == [(first, "first"), (second, "second")]
        assert found.items[0].launched_at > found.items[1].launched_at
        assert found.next is None
        reply = await api.get("/api/tools/recent?limit=1", headers=headers)
        assert [it.id for it in RecentTools.model_validate_json(reply.body).items] == [first]

    async def test_of_nothing_is_empty(self, api: AsgiClient, headers: dict[str, str]) -> None:
        reply = await api.get("/api/tools/recent", headers=headers)
        assert (reply.status, reply.json()) == (200, {"items": [], "next": None})

    async def test_without_the_time_series_the_library_works_and_this_does_not(
        self, api: AsgiClient, stubs: StubServices, headers: dict[str, str]
    ) -> None:
        tool_id = await a_tool(stubs, "board")
        stubs.launches.down = True
        assert (await api.get("/api/tools/recent", headers=headers)).status == 503
        assert (await api.get("/api/tools", headers=headers)).status == 200
        assert (await api.post(f"/api/tools/{tool_id}/launch", headers=headers)).status == 201
