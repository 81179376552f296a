from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import JsonValue

from exports.export_file import path_of
from main import app
from settings import Settings
from shared.testing.asgi_client import AsgiClient, AsgiReply, running
from shared.testing.identities import Identities
from shared.testing.uvicorn_server import served
from tests.broker_processes import broker_address
from tests.fake_services import FakeServices


@pytest.fixture
def exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the files."""
    folder = tmp_path / "exports"
    folder.mkdir()
    monkeypatch.setenv("EXPORTS_DIR", str(folder))
    return folder


@pytest.fixture
async def without_broker(
    settings: Settings, services: FakeServices, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsgiClient]:
    monkeypatch.setenv("BROKER_PORT", "1")
    async with served(services.app()) as url:
        monkeypatch.setenv("BACK_POSTGRES_URL", url)
        monkeypatch.setenv("BACK_REDIS_URL", url)
        async with running(app()) as client:
            yield client


@pytest.fixture
async def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsgiClient]:
    broker = broker_address()
    broker.empty()
    (settings.secrets_dir / "broker.password").write_text(broker.password)
    monkeypatch.setenv("BROKER_HOST", broker.host)
    monkeypatch.setenv("BROKER_PORT", str(broker.port))
    monkeypatch.setenv("BROKER_USER", broker.user)
    async with running(app()) as client:
        yield client


@pytest.fixture
def from_api(keys: Identities) -> dict[str, str]:
    return keys.assertion(caller="back-api", to="back-workers")


def ids_in(page: dict[str, JsonValue]) -> list[JsonValue]:
    items = page["items"]
    assert isinstance(items, list)
    return [it["id"] for it in items if isinstance(it, dict)]


def starting(kind: str = "sweep_tasks", owner_id: UUID | None = None) -> dict[str, object]:
    return {
        "command_id": str(uuid4()),
        "task_id": str(uuid4()),
        "kind": kind,
        "owner_id": owner_id and str(owner_id),
    }


class TestTasks:
    async def test_a_started_one_is_stored_with_its_event_and_read(
        self, without_broker: AsgiClient, from_api: dict[str, str], services: FakeServices
    ) -> None:
        body = starting()
        for _ in range(2):
            started = await without_broker.post("/tasks", json=body, headers=from_api)
            assert (started.status, started.json()["id"]) == (202, body["task_id"])
        assert services.tasks.types() == ["task.queued"]
        assert services.tasks.events[0].envelope.payload == {
            "task_id": body["task_id"],
            "kind": "sweep_tasks",
        }
        read = await without_broker.get(f"/tasks/{body['task_id']}", headers=from_api)
        assert (read.status, read.json()) == (200, started.json())

    async def test_are_listed_by_owner(
        self, without_broker: AsgiClient, from_api: dict[str, str]
    ) -> None:
        mine = starting(owner_id=(owner := uuid4()))
        for body in (mine, starting()):
            await without_broker.post("/tasks", json=body, headers=from_api)
        params = {"owner_id": str(owner)}
        page = (await without_broker.get("/tasks", headers=from_api, params=params)).json()
        assert ids_in(page) == [mine["task_id"]]

    async def test_are_listed_by_kind(
        self, without_broker: AsgiClient, from_api: dict[str, str]
    ) -> None:
        other = starting("user_export")
        for body in (other, starting()):
            await without_broker.post("/tasks", json=body, headers=from_api)
        params = {"kind": "user_export"}
        page = (await without_broker.get("/tasks", headers=from_api, params=params)).json()
        assert ids_in(page) == [other["task_id"]]

    async def test_a_queued_one_is_cancelled_at_once_and_its_owner_told(
        self, without_broker: AsgiClient, from_api: dict[str, str], services: FakeServices
    ) -> None:
        body = starting(owner_id=uuid4())
        await without_broker.post("/tasks", json=body, headers=from_api)
        for _ in range(2):
            reply = await without_broker.delete(f"/tasks/{body['task_id']}", headers=from_api)
            assert (reply.status, reply.json()["status"]) == (202, "cancelled")
        assert services.tasks.types() == ["task.queued", "task.finished"]
        assert services.tasks.events[1].envelope.payload["user_id"] == body["owner_id"]

    async def test_an_unknown_kind_is_refused(
        self, without_broker: AsgiClient, from_api: dict[str, str]
    ) -> None:
        refused = await without_broker.post("/tasks", json=starting("rm"), headers=from_api)
        assert refused.status == 422

    async def test_an_unknown_task_is_not_found(
        self, without_broker: AsgiClient, from_api: dict[str, str]
    ) -> None:
        answer = await without_broker.get(f"/tasks/{uuid4()}", headers=from_api)
        assert (answer.status, answer.json()["code"]) == (404, "task_not_found")


class TestExports:
    async def test_a_link_downloads_the_file_once(
        self, without_broker: AsgiClient, from_api: dict[str, str], exports: Path
    ) -> None:
        task_id = uuid4()
        path_of(exports, task_id).write_bytes(b"\xef\xbb\xbfid\r\n1\r\n")
        made = await without_broker.post(f"/exports/{task_id}/link", headers=from_api)
        assert (made.status, made.json()["expires_in"]) == (201, 300)
        url = str(made.json()["url"])
        assert url.startswith("http://127.0.0.1:8000/api/exports/download/")
        params = {"token": url.rpartition("/")[2]}
        file = await without_broker.get("/exports/download", headers=from_api, params=params)
        assert (file.status, file.body) == (200, b"\xef\xbb\xbfid\r\n1\r\n")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert file.headers["content-disposition"].startswith('attachment; filename="users-')
        again = await without_broker.get("/exports/download", headers=from_api, params=params)
        assert (again.status, again.json()["code"]) == (410, "link_expired")

    async def test_a_download_that_broke_off_goes_on(
        self, without_broker: AsgiClient, from_api: dict[str, str], exports: Path
    ) -> None:
        task_id = uuid4()
        path_of(exports, task_id).write_bytes(b"id\r\n1\r\n2\r\n")
        made = await without_broker.post(f"/exports/{task_id}/link", headers=from_api)
        params = {"token": str(made.json()["url"]).rpartition("/")[2]}

        async def get(**more: str) -> AsgiReply:
            return await without_broker.get(
                "/exports/download", headers=from_api, params=params | more
            )

        tag = (await get()).headers["etag"].strip('"')
        rest = await get(tag=tag, start="4")
        assert (rest.status, rest.body) == (206, b"1\r\n2\r\n")
        assert rest.headers["content-range"] == "bytes 4-9/10"
        for past_the_end in ("10", "99"):
            whole = await get(tag=tag, start=past_the_end)
            assert (whole.status, len(whole.body)) == (200, 10)

        path_of(exports, task_id).write_bytes(b"id\r\n2\r\n")
        changed = await get(tag=tag, start="4")
        assert (changed.status, changed.body) == (200, b"id\r\n2\r\n")
        assert changed.headers["etag"].strip('"') != tag
        other = await get(tag="x" + tag, start="4")
        assert (other.status, other.json()["code"]) == (410, "link_expired")

    async def test_a_file_that_was_removed_is_gone(
        self, without_broker: AsgiClient, from_api: dict[str, str], exports: Path
    ) -> None:
        task_id = uuid4()
        path = f"/exports/{task_id}/link"
        gone = await without_broker.post(path, headers=from_api)
        assert (gone.status, gone.json()["code"]) == (410, "export_expired")
        path_of(exports, task_id).write_bytes(b"")
        link = (await without_broker.post(path, headers=from_api)).json()
        path_of(exports, task_id).unlink()
        params = {"token": str(link["url"]).rpartition("/")[2]}
        gone = await without_broker.get("/exports/download", headers=from_api, params=params)
        assert (gone.status, gone.json()["code"]) == (410, "export_expired")


class TestGuards:
    async def test_a_stranger_is_refused(self, without_broker: AsgiClient) -> None:
        assert (await without_broker.get(f"/tasks/{uuid4()}")).status == 401

    async def test_a_service_that_no_contract_names_is_refused(
        self, without_broker: AsgiClient, keys: Identities
    ) -> None:
        from_postgres = keys.assertion(caller="back-postgres", to="back-workers")
        assert (await without_broker.get(f"/tasks/{uuid4()}", headers=from_postgres)).status == 403


class TestHealth:
    async def test_it_lives_without_a_broker_and_is_not_ready(
        self, without_broker: AsgiClient
    ) -> None:
        assert (await without_broker.get("/health/live")).status == 200
        assert (await without_broker.get("/health/ready")).status == 503

    async def test_it_is_ready_with_one(self, client: AsgiClient) -> None:
        assert (await client.get("/health/ready")).status == 200
