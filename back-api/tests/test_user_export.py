"""Exports of users: who may start one, and its link."""

from uuid import UUID, uuid4

from stub_services import StubServices

from shared.models.task import StartBackgroundTask
from shared.testing.asgi_client import AsgiClient

EXPORTER = ("users:export",)


async def exported(api: AsgiClient, stubs: StubServices, bearer: dict[str, str]) -> str:
    started = await api.post("/api/admin/exports/users", headers=bearer)
    task_id = str(started.json()["id"])
    stubs.tasks.end(UUID(task_id))
    stubs.exports.files[UUID(task_id)] = b"id\r\n1\r\n"
    return task_id


class TestStart:
    async def test_leaves_who_started_it_from_where(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        admin = uuid4()
        bearer = stubs.bearer(admin, role="admin", permissions=EXPORTER)
        headers = bearer | {"X-Real-IP": "192.0.2.9"}
        started = await api.post("/api/admin/exports/users", headers=headers)
        assert (started.status, started.json()["status"]) == (202, "queued")
        [event] = stubs.events.events
        assert event.envelope.event_type == "export.started"
        assert event.envelope.payload == {
            "actor_id": str(admin),
            "task_id": started.json()["id"],
            "network": "192.0.2.9",
        }
        task = stubs.tasks.tasks[UUID(str(started.json()["id"]))]
        assert (task.kind, task.owner_id) == ("user_export", admin)

    async def test_a_repeat_starts_nothing_more(self, api: AsgiClient, stubs: StubServices) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=EXPORTER)
        headers = bearer | {"Idempotency-Key": "k-1"}
        first, again = [
            await api.post("/api/admin/exports/users", headers=headers) for _ in range(2)
        ]
        assert again.body == first.body
        assert len(stubs.tasks.tasks) == 1

    async def test_nothing_starts_when_that_can_not_be_stored(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        stubs.events.down = True
        bearer = stubs.bearer(uuid4(), role="admin", permissions=EXPORTER)
        assert (await api.post("/api/admin/exports/users", headers=bearer)).status == 503
        assert stubs.tasks.tasks == {}

    async def test_others_may_not(self, api: AsgiClient, stubs: StubServices) -> None:
        bearer = stubs.bearer(uuid4())
        for path in ("/api/admin/exports/users", f"/api/exports/{uuid4()}/link"):
            assert (await api.post(path, headers=bearer)).status == 403


class TestLink:
    async def test_downloads_the_file_once(self, api: AsgiClient, stubs: StubServices) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=EXPORTER)
        path = f"/api/exports/{await exported(api, stubs, bearer)}/link"
        link = await api.post(path, headers=bearer)
        assert (link.status, link.json()["expires_in"]) == (201, 300)
        at = f"/api/exports/download/{str(link.json()['url']).rpartition('/')[2]}"
        file = await api.get(at)
        assert (file.status, file.body) == (200, b"id\r\n1\r\n")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert file.headers["content-length"] == "7"
        assert file.headers["content-disposition"] == 'attachment; filename="users.csv"'
        assert file.headers["cache-control"] == "no-store"
        assert file.headers["x-accel-buffering"] == "no"
        again = await api.get(at)
        assert (again.status, again.json()["code"]) == (410, "link_expired")
        unknown = await api.get("/api/exports/download/" + "x" * 43)
        assert (unknown.status, unknown.json()["code"]) == (404, "link_not_found")

    async def test_goes_on_with_the_download_that_broke_off_alone(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=EXPORTER)
        path = f"/api/exports/{await exported(api, stubs, bearer)}/link"
        link = await api.post(path, headers=bearer)
        at = f"/api/exports/download/{str(link.json()['url']).rpartition('/')[2]}"
        file = await api.get(at)
        assert file.headers["accept-ranges"] == "bytes"
        begun = {"Range": "bytes=4-", "If-Range": file.headers["etag"]}
        rest = await api.get(at, headers=begun)
        assert (rest.status, rest.body) == (206, file.body[4:])
        assert rest.headers["content-range"] == "bytes 4-6/7"
        assert rest.headers["content-length"] == "3"
        for other in (
            {"Range": "bytes=4-"},
            begun | {"If-Range": '"another"'},
            begun | {"Range": "bytes=0-1,4-5"},
            begun | {"If-Range": f"W/{begun['If-Range']}"},
        ):
            refused = await api.get(at, headers=other)
            assert (refused.status, refused.json()["code"]) == (410, "link_expired")

    async def test_only_of_an_export_that_has_a_file(
        self, api: AsgiClient, stubs: StubServices
    ) -> None:
        bearer = stubs.bearer(uuid4(), role="admin", permissions=EXPORTER)
        waiting = (await api.post("/api/admin/exports/users", headers=bearer)).json()["id"]
        reply = await api.post(f"/api/exports/{waiting}/link", headers=bearer)
        assert (reply.status, reply.json()["code"]) == (409, "export_not_finished")
        gone = await exported(api, stubs, bearer)
        stubs.exports.files.clear()
        reply = await api.post(f"/api/exports/{gone}/link", headers=bearer)
        assert (reply.status, reply.json()["code"]) == (410, "export_expired")
        other = StartBackgroundTask(command_id=uuid4(), task_id=uuid4(), kind="sweep_tasks")
        await stubs.tasks.start(other)
        for task_id in (other.task_id, uuid4()):
            reply = await api.post(f"/api/exports/{task_id}/link", headers=bearer)
            assert (reply.status, reply.json()["code"]) == (404, "task_not_found")
