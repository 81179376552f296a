"""Tools: what admins may say of them, what users find, and the endpoints."""

from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest
from fake_tools import FakeTools
from pydantic import ValidationError
from stub_services import StubServices

from features.tool_catalogue.domain import ToolAdministration
from services.actor import Actor
from shared.kit.errors import Conflict, NotFound, RuleViolated
from shared.models.problem import Problem
from shared.models.tool import ToolCreate, ToolPage, ToolUpdate
from shared.models.user import User
from shared.testing.asgi_client import AsgiClient

ACTOR = Actor(uuid4(), "192.0.2.9")
BOARD: dict[str, object] = {
    "name": "Board",
    "summary": "Plans of the team",
    "category": "Planning",
    "icon": "chart",
    "url": "https://board.example.org/",
}


def board(**changes: object) -> ToolCreate:
    return ToolCreate.model_validate(BOARD | changes)


@pytest.fixture
def tools() -> FakeTools:
    return FakeTools()


@pytest.fixture
def administration(tools: FakeTools) -> ToolAdministration:
    return ToolAdministration(tools)


def published(tools: FakeTools) -> list[Mapping[str, object]]:
    return [event.envelope.payload for event in tools.events]


class TestAddress:
    @pytest.mark.parametrize(
        "given, opened",
        [
            ("https://board.example.org", "https://board.example.org/"),
            ("https://BOARD.example.org:443/a b?q=1#c", "https://board.example.org/a%20b?q=1#c"),
            ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ],
    )
    def test_is_kept_as_a_browser_opens_it(self, given: str, opened: str) -> None:
        assert board(url=given).url == opened

    @pytest.mark.parametrize(
        "given",
        [
            "http://board.example.org/",
            "javascript:alert(1)",
            "board.example.org",
            "https://",
            "https://ada@board.example.org/",
            "https://ada:secret@board.example.org/",  # pragma: allowlist secret
            "https://localhost/",
            "https://a.localhost./",
            "https://intranet/",
            "https://printer.local/",
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://10.0.0.1/",
            "https://169.254.169.254/",
            "https://100.64.0.1/",
            "https://224.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fe80::1]/",
            "https://board.example.org/\n",
            "https://board.example.org/" + "a" * 2000,
            "https://board.example.org/" + "ñ" * 1000,
        ],
    )
    def test_of_another_kind_is_refused(self, given: str) -> None:
        with pytest.raises(ValidationError):
            board(url=given)


class TestCreate:
    async def test_says_who_created_what(
        self, administration: ToolAdministration, tools: FakeTools
    ) -> None:
        tool = await administration.create(ACTOR, board(), uuid4())
        assert (tool.name, tool.access, tool.version) == ("Board", "all", 1)
        assert published(tools) == [
            {
                "tool_id": str(tool.id),
                "actor_id": str(ACTOR.user_id),
                "name": "Board",
                "network": "192.0.2.9",
            }
        ]
        assert tools.events[0].envelope.event_type == "tool.created"

    async def test_a_repeated_command_creates_one(
        self, administration: ToolAdministration, tools: FakeTools
    ) -> None:
        command_id = uuid4()
        first = await administration.create(ACTOR, board(), command_id)
        assert await administration.create(ACTOR, board(), command_id) == first
        assert len(tools.events) == 1

    @pytest.mark.parametrize("access", ["except", "only"])
    async def test_a_list_is_stored_once_and_sorted(
        self, administration: ToolAdministration, access: str
    ) -> None:
        ids = sorted(uuid4() for _ in range(2))
        new = board(access=access, roles=["user", "user"], user_ids=[*reversed(ids), ids[0]])
        tool = await administration.create(ACTOR, new, uuid4())
        assert (tool.access, tool.roles, tool.user_ids) == (access, ["user"], ids)

    @pytest.mark.parametrize(
        "fields, code",
        [
            ({"access": "only"}, "access_list_missing"),
            ({"access": "except"}, "access_list_missing"),
            ({"roles": ["user"]}, "access_list_unused"),
            ({"access": "all", "user_ids": [str(uuid4())]}, "access_list_unused"),
        ],
    )
    async def test_access_and_list_agree(
        self, administration: ToolAdministration, fields: dict[str, object], code: str
    ) -> None:
        with pytest.raises(RuleViolated, match=code):
            await administration.create(ACTOR, board(**fields), uuid4())

    def test_access_by_plan_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="'all', 'except' or 'only'"):
            board(access="plan")


class TestChange:
    async def test_keeps_what_is_not_named(
        self, administration: ToolAdministration, tools: FakeTools
    ) -> None:
        tool = await administration.create(ACTOR, board(), uuid4())
        asked = ToolUpdate(summary="Plans", icon=None)
        changed = await administration.change(ACTOR, tool.id, asked)
        assert (changed.name, changed.summary, changed.icon) == ("Board", "Plans", None)
        assert (changed.id, changed.version) == (tool.id, 2)
        assert published(tools)[1]["changed"] == ["icon", "summary"]

    async def test_access_for_all_clears_the_list(self, administration: ToolAdministration) -> None:
        new = board(access="only", roles=["admin"])
        tool = await administration.create(ACTOR, new, uuid4())
        changed = await administration.change(ACTOR, tool.id, ToolUpdate(access="all"))
        assert (changed.access, changed.roles, changed.user_ids) == ("all", [], [])

    async def test_a_list_can_not_be_taken_away(self, administration: ToolAdministration) -> None:
        tool = await administration.create(ACTOR, board(access="only", roles=["admin"]), uuid4())
        with pytest.raises(RuleViolated, match="access_list_missing"):
            await administration.change(ACTOR, tool.id, ToolUpdate(roles=[]))

    async def test_what_the_tool_says_changes_nothing(
        self, administration: ToolAdministration, tools: FakeTools
    ) -> None:
        tool = await administration.create(ACTOR, board(), uuid4())
        assert await administration.change(ACTOR, tool.id, ToolUpdate(name="Board")) == tool
        assert len(tools.events) == 1

    async def test_meets_a_concurrent_change(
        self, administration: ToolAdministration, tools: FakeTools
    ) -> None:
        tool = await administration.create(ACTOR, board(), uuid4())
        tools.stale = 2
        changed = await administration.change(ACTOR, tool.id, ToolUpdate(name="Wall"))
        assert changed.name == "Wall"
        tools.stale = 3
        with pytest.raises(Conflict, match="stale_version"):
            await administration.change(ACTOR, tool.id, ToolUpdate(name="Hall"))

    async def test_of_an_expected_version_is_tried_once(
        self, administration: ToolAdministration, tools: FakeTools
    ) -> None:
        tool = await administration.create(ACTOR, board(), uuid4())
        for stale, expected in ((0, 7), (1, 1)):
            tools.stale = stale
            asked = ToolUpdate(expected_version=expected, name="Wall")
            with pytest.raises(Conflict, match="stale_version"):
                await administration.change(ACTOR, tool.id, asked)
        asked = ToolUpdate(expected_version=1, name="Wall")
        assert (await administration.change(ACTOR, tool.id, asked)).version == 2

    @pytest.mark.parametrize("fields", [{}, {"expected_version": 1}, {"name": None}])
    def test_needs_a_field_to_change(self, fields: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            ToolUpdate.model_validate(fields)


class TestDelete:
    async def test_says_who_deleted_what(
        self, administration: ToolAdministration, tools: FakeTools
    ) -> None:
        tool = await administration.create(ACTOR, board(), uuid4())
        await administration.delete(ACTOR, tool.id)
        assert tools.events[-1].envelope.event_type == "tool.deleted"
        assert published(tools)[-1]["name"] == "Board"
        with pytest.raises(NotFound, match="tool_not_found"):
            await administration.delete(ACTOR, tool.id)


class TestEndpointsOfAdmins:
    @pytest.fixture
    def admin(self, stubs: StubServices) -> dict[str, str]:
        return stubs.bearer(uuid4(), role="admin", permissions=("tools:manage",))

    async def test_create_read_change_delete(self, api: AsgiClient, admin: dict[str, str]) -> None:
        created = await api.post("/api/admin/tools", json=BOARD, headers=admin)
        assert created.status == 201
        path = created.headers["location"]
        assert path == f"/api/admin/tools/{created.json()['id']}"
        assert (await api.get(path, headers=admin)).json() == created.json()
        changed = await api.patch(path, json={"category": "Teams"}, headers=admin)
        assert (changed.status, changed.json()["category"]) == (200, "Teams")
        stale = await api.patch(
            path, json={"expected_version": 1, "category": "Work"}, headers=admin
        )
        assert (stale.status, stale.json()["code"]) == (409, "stale_version")
        listed = await api.get("/api/admin/tools?search=BOA&category=Teams", headers=admin)
        assert (listed.json()["items"], listed.json()["next"]) == ([changed.json()], None)
        assert (await api.delete(path, headers=admin)).status == 204
        gone = await api.delete(path, headers=admin)
        assert (gone.status, gone.json()["code"]) == (404, "tool_not_found")

    async def test_a_key_creates_one(
        self, api: AsgiClient, admin: dict[str, str], stubs: StubServices
    ) -> None:
        headers = admin | {"Idempotency-Key": "one"}
        first = await api.post("/api/admin/tools", json=BOARD, headers=headers)
        again = await api.post("/api/admin/tools", json=BOARD, headers=headers)
        assert (first.status, again.status, again.json()) == (201, 201, first.json())
        assert len(stubs.tools.tools) == 1

    async def test_errors_name_their_field(self, api: AsgiClient, admin: dict[str, str]) -> None:
        bad = BOARD | {"url": "http://board.example.org", "icon": "unicorn"}
        refused = await api.post("/api/admin/tools", json=bad, headers=admin)
        assert refused.status == 422
        errors = Problem.model_validate_json(refused.body).errors or []
        assert {it.pointer for it in errors} == {"/url", "/icon"}

    async def test_users_may_not(self, api: AsgiClient, stubs: StubServices, user: User) -> None:
        headers = stubs.bearer(user.id)
        path = f"/api/admin/tools/{uuid4()}"
        replies = [
            await api.post("/api/admin/tools", json=BOARD, headers=headers),
            await api.get("/api/admin/tools", headers=headers),
            await api.get(path, headers=headers),
            await api.patch(path, json={}, headers=headers),
            await api.delete(path, headers=headers),
        ]
        assert {(it.status, it.json()["code"]) for it in replies} == {(403, "permission_missing")}


class TestEndpointsOfUsers:
    @pytest.fixture
    async def shown(self, stubs: StubServices, user_id: UUID) -> list[str]:
        """Two tools that the user may open, older first, beside two others."""
        administration = ToolAdministration(stubs.tools)
        made = [
            await administration.create(ACTOR, board(name=name, **fields), uuid4())
            for name, fields in (
                ("Board", {}),
                ("Hidden", {"access": "only", "roles": ["admin"]}),
                ("Barred", {"access": "except", "user_ids": [str(user_id)]}),
                ("Chat", {"access": "only", "user_ids": [str(user_id)], "category": "Talk"}),
            )
        ]
        return [str(made[0].id), str(made[3].id)]

    async def test_the_library_has_what_the_user_may_open(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID, shown: list[str]
    ) -> None:
        headers = stubs.bearer(user_id)

        async def page(query: str = "") -> ToolPage:
            reply = await api.get(f"/api/tools{query}", headers=headers)
            return ToolPage.model_validate_json(reply.body)

        assert [str(it.id) for it in (await page()).items] == [shown[1], shown[0]]
        first = await page("?limit=1")
        rest = await page(f"?limit=1&before={first.next}")
        assert [str(it.id) for it in rest.items] == [shown[0]]
        found = await page("?search=cha&category=Talk")
        assert [str(it.id) for it in found.items] == [shown[1]]
        categories = await api.get("/api/tools/categories", headers=headers)
        assert categories.json() == {"items": ["Planning", "Talk"]}

    async def test_a_favourite_comes_and_goes(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID, shown: list[str]
    ) -> None:
        headers = stubs.bearer(user_id)
        path = f"/api/tools/{shown[0]}/favourite"
        for _ in range(2):
            assert (await api.put(path, headers=headers)).status == 204
        marked = await api.get("/api/tools?favourite=true", headers=headers)
        [card] = ToolPage.model_validate_json(marked.body).items
        assert (str(card.id), card.favourite) == (shown[0], True)
        for _ in range(2):
            assert (await api.delete(path, headers=headers)).status == 204
        none = await api.get("/api/tools?favourite=true", headers=headers)
        assert none.json()["items"] == []

    async def test_what_may_not_be_opened_is_not_found(
        self, api: AsgiClient, stubs: StubServices, user_id: UUID, shown: list[str]
    ) -> None:
        hidden = [it for it in stubs.tools.tools if str(it) not in shown]
        for tool_id in (*hidden, uuid4()):
            reply = await api.put(f"/api/tools/{tool_id}/favourite", headers=stubs.bearer(user_id))
            assert (reply.status, reply.json()["code"]) == (404, "tool_not_found")
