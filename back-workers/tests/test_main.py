from collections.abc import AsyncIterator

import pytest

from main import app
from settings import Settings
from shared.testing.asgi_client import AsgiClient, running
from shared.testing.identities import Identities
from tests.broker_processes import broker_address


@pytest.fixture
async def without_broker(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsgiClient]:
    monkeypatch.setenv("BROKER_PORT", "1")
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


class TestStart:
    async def test_a_started_task_can_be_read(
        self, client: AsgiClient, from_api: dict[str, str]
    ) -> None:
        started = await client.post("/tasks", json={"name": "sweep_credentials"}, headers=from_api)
        assert started.status == 202
        read = await client.get(f"/tasks/{started.json()['task_id']}", headers=from_api)
        assert (read.status, read.json()) == (200, started.json())

    async def test_an_unknown_maintenance_task_is_refused(
        self, without_broker: AsgiClient, from_api: dict[str, str]
    ) -> None:
        refused = await without_broker.post("/tasks", json={"name": "rm"}, headers=from_api)
        assert refused.status == 422

    async def test_without_a_broker_it_says_so(
        self, without_broker: AsgiClient, from_api: dict[str, str]
    ) -> None:
        body = {"name": "sweep_credentials"}
        refused = await without_broker.post("/tasks", json=body, headers=from_api)
        assert refused.status == 503
        assert "retry-after" in refused.headers


class TestRead:
    async def test_an_unknown_task_is_not_found(
        self, client: AsgiClient, from_api: dict[str, str]
    ) -> None:
        answer = await client.get("/tasks/unknown", headers=from_api)
        assert (answer.status, answer.json()["code"]) == (404, "task_not_found")


class TestGuards:
    async def test_a_stranger_is_refused(self, without_broker: AsgiClient) -> None:
        assert (await without_broker.get("/tasks/any")).status == 401

    async def test_a_service_that_no_contract_names_is_refused(
        self, without_broker: AsgiClient, keys: Identities
    ) -> None:
        from_postgres = keys.assertion(caller="back-postgres", to="back-workers")
        assert (await without_broker.get("/tasks/any", headers=from_postgres)).status == 403


class TestHealth:
    async def test_it_lives_without_a_broker_and_is_not_ready(
        self, without_broker: AsgiClient
    ) -> None:
        assert (await without_broker.get("/health/live")).status == 200
        assert (await without_broker.get("/health/ready")).status == 503

    async def test_it_is_ready_with_one(self, client: AsgiClient) -> None:
        assert (await client.get("/health/ready")).status == 200
