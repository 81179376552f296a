"""The contract of launches, on the fake and on Cassandra, and what the fake can't show."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from database import Database
from driver import Connection
from repositories import launch_repository
from repositories.launch_repository import LaunchRepository, month_of
from routes import launches as routes
from settings import Settings
from shared.kit import Service
from shared.models.base import now
from shared.models.tool import LastLaunches, LaunchPage
from shared.testing.asgi_client import running
from shared.testing.identities import Identities
from tests.callers import Callers
from tests.fake_launches import FakeLaunches
from tests.launches_contract import KEPT_SECONDS, LaunchesContract, last, launched, tools


class TestFakeLaunches(LaunchesContract):
    @pytest.fixture
    def launches(self) -> FakeLaunches:
        return FakeLaunches(KEPT_SECONDS)


class TestLaunchRepository(LaunchesContract):
    @pytest.fixture
    def launches(self, database: Database, settings: Settings) -> LaunchRepository:
        return LaunchRepository(
            database,
            kept_seconds=settings.launches_kept_seconds,
            page_timeout=settings.page_timeout,
        )

    async def test_a_search_reads_a_bounded_number_of_rows(
        self, launches: LaunchRepository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(launch_repository, "SCAN_ROWS", 2)
        user_id, noon, often = uuid4(), now(), uuid4()
        events = [
            launched(user_id, often if n < 5 else None, at=noon - timedelta(seconds=n))
            for n in range(7)
        ]
        await launches.apply(events)
        assert [it for it, _ in await last(launches, user_id)] == [often, *tools(events[5:])]
        monkeypatch.setattr(launch_repository, "SCANS_MAX", 1)
        assert [it for it, _ in await last(launches, user_id)] in ([often], [])

    async def test_rows_end_by_themselves(
        self, launches: LaunchRepository, connection: Connection, settings: Settings
    ) -> None:
        user_id, at = uuid4(), now() - timedelta(days=355)
        await launches.apply([launched(user_id, at=at)])
        await connection.run(f"USE {settings.cassandra_keyspace}")
        [row] = await connection.run(
            "SELECT TTL(tool_id) AS left FROM launches WHERE user_id = %s AND month = %s",
            user_id,
            month_of(at),
        )
        assert 9 * 86_400 < row["left"] <= 10 * 86_400


class TestRoutes:
    @pytest.fixture
    async def service(self, offline_settings: Settings, keys: Identities) -> AsyncIterator[Callers]:
        service = Service(offline_settings)
        service.api.include_router(routes.router(FakeLaunches(KEPT_SECONDS)))
        async with running(service.api) as client:
            yield Callers(client, keys)

    async def test_names_the_refused_and_gives_the_last(self, service: Callers) -> None:
        user_id: UUID = uuid4()
        events = [launched(user_id, at=now() - timedelta(seconds=n)) for n in range(12)]
        refused = launched(user_id).model_copy(update={"event_type": "tool.created"})
        body = {"events": [it.model_dump(mode="json") for it in [*events, refused]]}

        applied = await service.call("back-workers", "POST", "/launches/events", body)
        reply = await service.call("back-api", "GET", f"/users/{user_id}/launches/last")

        assert (applied.status, applied.json()) == (200, {"refused": [str(refused.event_id)]})
        found = LastLaunches.model_validate_json(reply.body)
        assert [it.tool_id for it in found.items] == tools(events[:10])

    async def test_gives_all_launches_by_pages(self, service: Callers) -> None:
        user_id, tool_id = uuid4(), uuid4()
        events = [launched(user_id, tool_id, at=now() - timedelta(seconds=n)) for n in range(3)]
        body = {"events": [it.model_dump(mode="json") for it in events]}
        await service.call("back-workers", "POST", "/launches/events", body)
        path = f"/users/{user_id}/launches?limit=2"

        first = LaunchPage.model_validate_json((await service.call("back-api", "GET", path)).body)
        second = await service.call("back-api", "GET", f"{path}&before={first.next}")

        rest = LaunchPage.model_validate_json(second.body)
        moments = [it.launched_at for it in [*first.items, *rest.items]]
        assert (moments, rest.next) == ([it.occurred_at for it in events], None)

    @pytest.mark.parametrize(
        "query, status", [("limit=0", 422), ("limit=501", 422), ("before=first", 400)]
    )
    async def test_a_page_needs_a_limit_and_a_cursor(
        self, service: Callers, query: str, status: int
    ) -> None:
        path = f"/users/{uuid4()}/launches?{query}"
        assert (await service.call("back-api", "GET", path)).status == status

    async def test_others_may_not(self, service: Callers) -> None:
        body = {"events": [launched(uuid4()).model_dump(mode="json")]}
        written = await service.call("back-api", "POST", "/launches/events", body)
        read = await service.call("back-workers", "GET", f"/users/{uuid4()}/launches/last")
        assert (written.status, read.status) == (403, 403)

    @pytest.mark.parametrize("limit", [0, 51])
    async def test_a_list_is_bounded(self, service: Callers, limit: int) -> None:
        path = f"/users/{uuid4()}/launches/last?limit={limit}"
        assert (await service.call("back-api", "GET", path)).status == 422
