"""The service with Cassandra, and during an outage of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from uuid import uuid4

import pytest

from driver import Connection
from main import app
from migrate import known, migrate_down, migrate_up
from settings import Settings
from shared.kit.errors import Unavailable
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from shared.testing.tcp_proxy import TcpProxy
from shared.testing.waiting import until_it_succeeds
from tests.callers import Callers
from tests.conftest import as_environment
from tests.events import event

# For an engine that does not answer.
IMPATIENT = {"connect_timeout": 3.0, "request_timeout": 3.0, "page_timeout": 3.0}


@asynccontextmanager
async def served(
    settings: Settings, keys: Identities, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callers]:
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    async with running(app()) as client:
        yield Callers(client, keys)


@pytest.fixture
async def proxy(settings: Settings) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(settings.cassandra_host, settings.cassandra_port) as proxy:
        yield proxy


class TestService:
    async def test_an_event_is_stored_once_and_read_back(self, service: Callers) -> None:
        stored = event(user_id=uuid4())

        statuses = [(await service.store(stored)).status for _ in range(2)]

        page = await service.page()
        assert statuses == [201, 201]
        assert [entry.payload for entry in page.items] == [stored.payload]

    async def test_events_stored_side_by_side_are_all_kept(self, service: Callers) -> None:
        user_id = uuid4()
        replies = await asyncio.gather(*(service.store(event(user_id=user_id)) for _ in range(100)))

        page = await service.page(user_id, limit="200")

        assert {reply.status for reply in replies} == {201}
        assert len(page.items) == 100

    async def test_a_version_that_cql_cannot_hold_is_refused(self, service: Callers) -> None:
        reply = await service.store(event().model_copy(update={"version": 2**31}))

        assert (reply.status, reply.json()["code"]) == (422, "validation_failed")
        assert (await service.page()).items == []


class TestSchema:
    async def test_with_a_changed_migration_it_is_live_and_not_ready(
        self,
        empty_settings: Settings,
        connection: Connection,
        keys: Identities,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        changed = replace(known()[0], up=known()[0].up + "-- changed")
        await migrate_up(connection, empty_settings, [changed])
        async with served(empty_settings, keys, monkeypatch) as service:
            assert (await service.client.get("/health/live")).status == 200
            assert (await service.store(event())).status == 503
            await migrate_down(connection, empty_settings, [changed])
            await service.until_ready()


class TestOutage:
    async def test_without_an_engine_it_is_live_and_not_ready(
        self, offline_settings: Settings, keys: Identities, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with served(offline_settings, keys, monkeypatch) as service:
            live = await service.client.get("/health/live")
            ready = await service.client.get("/health/ready")
            started = monotonic()
            stored, read = await service.store(event()), await service.read()

        assert (live.status, ready.status) == (200, 503)
        assert (stored.status, read.status) == (503, 503)
        assert stored.headers["content-type"] == "application/problem+json"
        assert monotonic() - started < 20

    async def test_it_connects_to_an_engine_that_starts_later(
        self,
        settings: Settings,
        keys: Identities,
        proxy: TcpProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await proxy.stop()
        behind = settings.model_copy(
            update=IMPATIENT | {"cassandra_host": "127.0.0.1", "cassandra_port": proxy.port}
        )
        async with served(behind, keys, monkeypatch) as service:
            assert (await service.store(event())).status == 503
            await proxy.start()
            await service.until_ready()
            assert (await service.store(event())).status == 201

    async def test_the_driver_reconnects_to_an_engine(
        self,
        settings: Settings,
        keys: Identities,
        proxy: TcpProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        behind = settings.model_copy(
            update=IMPATIENT
            | {
                "cassandra_host": "127.0.0.1",
                "cassandra_port": proxy.port,
                "reconnect_after": 30,
            }
        )
        async with served(behind, keys, monkeypatch) as service:
            await service.until_ready()
            await proxy.stop()
            for _ in range(3):
                started = monotonic()
                assert (await service.store(event())).status == 503
                assert monotonic() - started < 20
            await proxy.start()
            await service.until_ready()
            assert (await service.store(event())).status == 201

    async def test_a_lost_connection_is_replaced(
        self,
        settings: Settings,
        keys: Identities,
        proxy: TcpProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        behind = settings.model_copy(
            update=IMPATIENT
            | {
                "cassandra_host": "127.0.0.1",
                "cassandra_port": proxy.port,
                "reconnect_after": 0.1,
            }
        )
        async with served(behind, keys, monkeypatch) as service:

            async def given_up() -> None:
                if "not connected yet" not in (await service.read()).text:
                    raise Unavailable

            await service.until_ready()
            await proxy.stop()
            await until_it_succeeds(given_up)
            await proxy.start()
            await service.until_ready()
            assert (await service.store(event())).status == 201

    async def test_an_engine_that_hangs_times_out(
        self,
        settings: Settings,
        keys: Identities,
        proxy: TcpProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        behind = settings.model_copy(
            update=IMPATIENT | {"cassandra_host": "127.0.0.1", "cassandra_port": proxy.port}
        )
        async with served(behind, keys, monkeypatch) as service:
            await service.until_ready()
            await service.store(event())
            proxy.freeze()
            for method in ("POST", "GET"):
                started = monotonic()
                reply = await (service.store(event()) if method == "POST" else service.read())
                assert monotonic() - started < 20
                assert (reply.status, reply.json()["code"]) == (504, "timed_out")
            proxy.thaw()
            await service.until_ready()
