"""Who sees and cancels which background task."""

from uuid import UUID, uuid4

from pydantic import JsonValue
from stub_services import StubServices

from shared.models.task import StartBackgroundTask
from shared.testing.asgi_client import AsgiClient


async def started(stubs: StubServices, owner_id: UUID | None) -> str:
    start = StartBackgroundTask(
        command_id=uuid4(), task_id=uuid4(), kind="user_export", owner_id=owner_id
    )
    await stubs.tasks.start(start)
    return str(start.task_id)


def ids_in(page: dict[str, JsonValue]) -> list[JsonValue]:
    items = page["items"]
    assert isinstance(items, list)
    return [it["id"] for it in items if isinstance(it, dict)]


class TestTasks:
    async def test_a_user_sees_their_own(self, api: AsgiClient, stubs: StubServices) -> None:
        owner = uuid4()
        mine, other, nobodys = [await started(stubs, it) for it in (owner, uuid4(), None)]
        bearer = stubs.bearer(owner)
        page = (await api.get("/api/tasks", headers=bearer)).json()
        assert (ids_in(page), page["next"]) == ([mine], None)
        stubs.tasks.end(UUID(mine), {"rows": 3})
        task = (await api.get(f"/api/tasks/{mine}", headers=bearer)).json()
        assert str(task.pop("created_at")) < str(task.pop("finished_at"))
        assert task == {
            "id": mine,
            "kind": "user_export",
            "status": "succeeded",
            "progress": 100,
            "result": {"rows": 3},
            "error": None,
        }
        for hidden in (other, nobodys, str(uuid4())):
            for call in (api.get, api.delete):
                reply = await call(f"/api/tasks/{hidden}", headers=bearer)
                assert (reply.status, reply.json()["code"]) == (404, "task_not_found")
        assert stubs.tasks.tasks[UUID(other)].status == "queued"

    async def test_an_admin_sees_all(self, api: AsgiClient, stubs: StubServices) -> None:
        tasks = [await started(stubs, it) for it in (uuid4(), None)]
        bearer = stubs.bearer(uuid4(), role="admin")
        page = (await api.get("/api/tasks", headers=bearer, params={"limit": "1"})).json()
        assert ids_in(page) == [tasks[1]]
        rest = {"before": str(page["next"])}
        page = (await api.get("/api/tasks", headers=bearer, params=rest)).json()
        assert ids_in(page) == [tasks[0]]
        assert (await api.get(f"/api/tasks/{tasks[0]}", headers=bearer)).status == 200

    async def test_the_owner_and_an_admin_may_cancel(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        owner = uuid4()
        for bearer in (stubs.bearer(owner), stubs.bearer(uuid4(), role="admin")):
            path = f"/api/tasks/{await started(stubs, owner)}"
            for _ in range(2):
                reply = await api.delete(path, headers=bearer)
                assert (reply.status, reply.json()["status"]) == (202, "cancelled")

    async def test_what_is_no_cursor_is_refused(self, api: AsgiClient, stubs: StubServices) -> None:
        params = {"before": "yesterday"}
        reply = await api.get("/api/tasks", headers=stubs.bearer(uuid4()), params=params)
        assert (reply.status, reply.json()["code"]) == (400, "cursor_invalid")

    async def test_nobody_else_sees_any(self, api: AsgiClient) -> None:
        assert (await api.get("/api/tasks")).status == 401
