"""Tools through the gateway: kept by an admin, found, marked, opened and listed by a user."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.stack import Visitor, code_of, until

Tool = dict[str, object]


@pytest.fixture
async def tool(admin: Visitor) -> AsyncIterator[Tool]:
    """A tool for all, in a category of its own, removed after the test."""
    body = {
        "name": f"Board {uuid4().hex}",
        "summary": "Plans of the team",
        "category": uuid4().hex,
        "icon": "chart",
        "url": "https://board.example.org/plans",
    }
    reply = await admin.post("/api/admin/tools", body)
    assert reply.status_code == 201, reply.text
    made: Tool = reply.json()
    yield made
    await admin.http.delete(f"/api/admin/tools/{made['id']}", headers=admin.bearer)


async def cards(user: Visitor, path: str = "/api/tools", **query: str) -> list[Tool]:
    reply = await user.get(path, **query)
    assert reply.status_code == 200, reply.text
    items: list[Tool] = reply.json()["items"]
    return items


async def id_of(visitor: Visitor) -> str:
    return str((await visitor.get("/api/users/me")).json()["id"])


async def test_a_user_finds_marks_and_opens_a_tool(user: Visitor, tool: Tool) -> None:
    path = f"/api/tools/{tool['id']}"
    [card] = await cards(user, search=str(tool["name"]).upper(), category=str(tool["category"]))
    assert card == {
        **{name: tool[name] for name in ("id", "name", "summary", "category", "icon")},
        "favourite": False,
        "launches": 0,
    }
    assert tool["category"] in (await user.get("/api/tools/categories")).json()["items"]

    marked = await user.http.put(f"{path}/favourite", headers=user.bearer)
    assert marked.status_code == 204
    assert [it["id"] for it in await cards(user, favourite="true")] == [tool["id"]]

    key = user.bearer | {"Idempotency-Key": uuid4().hex}
    for _ in range(2):
        opened = await user.http.post(f"{path}/launch", headers=key)
        assert (opened.status_code, opened.json()) == (201, {"url": tool["url"]})

    async def recent() -> Tool | None:
        found = await cards(user, "/api/tools/recent")
        return found[0] if found else None

    last = await until(recent, within=40)
    assert (last["id"], last["launches"], last["favourite"]) == (tool["id"], 1, True)

    unmarked = await user.http.delete(f"{path}/favourite", headers=user.bearer)
    assert unmarked.status_code == 204
    assert await cards(user, favourite="true") == []


async def test_a_tool_for_one_user_is_hidden_from_all_others(
    admin: Visitor, user: Visitor, tool: Tool
) -> None:
    path = f"/api/admin/tools/{tool['id']}"
    only = {"access": "only", "user_ids": [await id_of(admin)]}
    assert (await admin.patch(path, only)).status_code == 200
    assert await cards(user, category=str(tool["category"])) == []
    refused = await user.post(f"/api/tools/{tool['id']}/launch")
    assert (refused.status_code, code_of(refused)) == (404, "tool_not_found")
    except_admin = {"access": "except", "roles": ["admin"], "user_ids": []}
    assert (await admin.patch(path, except_admin)).status_code == 200
    assert [it["id"] for it in await cards(user, category=str(tool["category"]))] == [tool["id"]]
    assert await cards(admin, category=str(tool["category"])) == []


async def test_what_an_admin_does_is_in_the_audit_log(admin: Visitor, tool: Tool) -> None:
    path = f"/api/admin/tools/{tool['id']}"
    assert (await admin.patch(path, {"summary": "Other plans"})).status_code == 200
    stale = await admin.patch(path, {"summary": "Old plans", "expected_version": 1})
    assert (stale.status_code, code_of(stale)) == (409, "stale_version")
    assert (await admin.http.delete(path, headers=admin.bearer)).status_code == 204
    admin_id = await id_of(admin)

    async def logged() -> list[str] | None:
        entries = (await admin.get("/api/admin/audit", user_id=admin_id, limit=200)).json()["items"]
        found = [it["event_type"] for it in entries if it["payload"].get("tool_id") == tool["id"]]
        return found if len(found) == 3 else None

    assert await until(logged, within=40) == ["tool.deleted", "tool.updated", "tool.created"]


@pytest.mark.parametrize("url", ["http://board.example.org/", "https://localhost/"])
async def test_an_address_that_no_tool_has_is_refused(admin: Visitor, url: str) -> None:
    body = {"name": "Board", "summary": "s", "category": "c", "url": url}
    refused = await admin.post("/api/admin/tools", body)
    assert (refused.status_code, code_of(refused)) == (422, "validation_failed")


async def test_users_keep_no_tools(user: Visitor) -> None:
    refused = await user.get("/api/admin/tools")
    assert (refused.status_code, code_of(refused)) == (403, "permission_missing")
