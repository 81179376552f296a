"""The schedule: each tick starts its task once, whichever beat is there."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import heartbeat
from celeryconfig import celery_app, configuration
from settings import Settings
from shared.kit import Connect
from shared.kit.errors import Unavailable
from shared.testing.asgi_client import in_memory
from shared.testing.uvicorn_server import served
from tasks.beat_scheduler import LeaderScheduler, Schedule
from tests.fake_services import FakeServices

HOUR = 3600.0
NOON = 12 * HOUR


@pytest.fixture
def connect(services: FakeServices) -> Connect:
    return in_memory({"back-postgres": services.app()})


@pytest.fixture
def beat(settings: Settings, connect: Connect) -> Callable[[], Schedule]:
    entries = {"sweep_tasks": ("sweep_tasks", HOUR)}
    return lambda: Schedule(settings, entries, connect=connect)  # type: ignore[arg-type]


class TestSchedule:
    async def test_starts_a_task_once_an_interval(
        self, beat: Callable[[], Schedule], services: FakeServices
    ) -> None:
        schedule = beat()
        assert len(await schedule.tick(NOON + 1)) == 1
        assert await schedule.tick(NOON + HOUR - 1) == []
        assert len(await schedule.tick(NOON + HOUR)) == 1
        tasks = list(services.tasks.tasks.values())
        assert [(it.kind, it.owner_id) for it in tasks] == [("sweep_tasks", None)] * 2

    async def test_a_clock_that_jumps_ahead_and_back_stops_no_schedule(
        self, beat: Callable[[], Schedule], services: FakeServices
    ) -> None:
        schedule = beat()
        await schedule.tick(NOON)
        await schedule.tick(NOON + 24 * HOUR)
        assert len(services.tasks.tasks) == 2, "one task, not one for each hour"
        await schedule.tick(NOON + 1)
        assert len(services.tasks.tasks) == 2, "that tick had its task"
        await schedule.tick(NOON + HOUR)
        assert len(services.tasks.tasks) == 3

    async def test_another_one_starts_nothing_while_the_first_has_the_lease(
        self, beat: Callable[[], Schedule], services: FakeServices
    ) -> None:
        first, second = beat(), beat()
        await first.tick(NOON)
        assert await second.tick(NOON + HOUR) == []
        assert len(services.tasks.asked_for) == 1

    async def test_one_that_takes_over_repeats_no_tick(
        self, beat: Callable[[], Schedule], services: FakeServices
    ) -> None:
        first, second = beat(), beat()
        await first.tick(NOON)
        await first.give_up()
        await second.tick(NOON + 5)
        assert len(services.tasks.asked_for) == 2, "it did not ask"
        assert len(services.tasks.tasks) == 1
        services.tasks.answered.clear()  # the commands were swept
        await second.give_up()
        await beat().tick(NOON + 10)
        assert len(services.tasks.tasks) == 1
        assert services.tasks.types() == ["task.queued"]

    async def test_what_could_not_be_started_is_due_again(
        self, beat: Callable[[], Schedule], services: FakeServices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        schedule = beat()
        services.tasks.down = Unavailable()
        assert await schedule.tick(NOON) == []
        services.tasks.down = None
        monkeypatch.setattr(
            services.tasks, "create", lambda _: (_ for _ in ()).throw(Unavailable())
        )
        assert await schedule.tick(NOON + 1) == []
        monkeypatch.undo()
        assert len(await schedule.tick(NOON + 2)) == 1


class TestLeaderScheduler:
    async def test_it_ticks_and_beats_and_gives_its_lease_up(
        self,
        services: FakeServices,
        settings: Settings,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("HEARTBEAT_DIR", str(tmp_path))
        async with served(services.app()) as url:
            monkeypatch.setenv("BACK_POSTGRES_URL", url)
            app = celery_app(lambda: configuration(settings))

            def beats() -> float:
                scheduler = LeaderScheduler(app)
                seconds = scheduler.tick()
                assert services.tasks.holders
                scheduler.close()
                return seconds

            assert await asyncio.to_thread(beats) <= settings.beat_lease_seconds / 3
        assert heartbeat.is_fresh("beat")
        ((_, until),) = services.tasks.holders.values()
        assert until <= time.monotonic()
        kinds = sorted(it.kind for it in services.tasks.tasks.values())
        sweeps = ["sweep_credentials", "sweep_outbox", "sweep_registrations", "sweep_tasks"]
        assert kinds == ["send_digests", *sweeps]
