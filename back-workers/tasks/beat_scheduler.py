"""Celery beat's scheduler: starts background tasks on schedule, in one beat of several."""

import asyncio
import time
from collections.abc import Mapping
from typing import cast
from uuid import UUID, uuid4, uuid5

import structlog
from celery.beat import Scheduler

import heartbeat
from settings import Settings
from shared.kit import Connect, service_client
from shared.kit.errors import Conflict, ServiceError
from shared.kit.http.context import correlated
from shared.models.task import StartBackgroundTask, TaskKind
from task_client import TaskClient

log = structlog.get_logger()

LEASE = "beat"
SCHEDULE = UUID("5ced0000-0000-4000-8000-000000000000")
"""The namespace of the commands that the schedule starts tasks by."""

TICK_SECONDS = 5.0
"""Between two ticks, at most: a shorter lease or entry is looked at more often."""


class Schedule:
    """Starts each entry once an interval, however many of these run.

    The intervals are counted from the epoch, so that every beat finds the same ticks. A task's
    command is made from the name of its entry and its tick: a second start is a repeat, also of a
    beat whose clock was put back. The lease keeps all but one from asking at all. `entries` are
    kinds and seconds, by name.
    """

    def __init__(
        self,
        settings: Settings,
        entries: Mapping[str, tuple[TaskKind, float]],
        *,
        connect: Connect | None = None,
    ) -> None:
        self._settings = settings
        self._entries = entries
        self._at = connect("back-postgres") if connect else settings.back_postgres_url
        self._holder = uuid4()
        self._started: dict[str, int] = {}

    async def tick(self, now: float) -> list[UUID]:
        """Start what is due at `now` (seconds since the epoch); the ids of the tasks.

        What can't be started is due again at the next tick. Empty while another one holds the
        lease.
        """
        started: list[UUID] = []
        async with service_client(self._settings, "back-postgres", self._at) as postgres:
            tasks = TaskClient(postgres)
            with correlated(None):
                if not await self._leads(tasks):
                    return []
                for name, (kind, seconds) in self._entries.items():
                    tick = int(now // seconds)
                    if tick == self._started.get(name):
                        continue
                    if task_id := await self._start(tasks, name, kind, tick * seconds):
                        started.append(task_id)
                        self._started[name] = tick
        return started

    async def give_up(self) -> None:
        """Give the lease to another beat at once."""
        async with service_client(self._settings, "back-postgres", self._at) as postgres:
            await TaskClient(postgres).hold_lease(LEASE, self._holder, 0)

    async def _leads(self, tasks: TaskClient) -> bool:
        try:
            return await tasks.hold_lease(LEASE, self._holder, self._settings.beat_lease_seconds)
        except ServiceError as error:
            log.warning("beat_lease_not_asked", reason=error.code)
            return False

    async def _start(
        self, tasks: TaskClient, name: str, kind: TaskKind, tick_time: float
    ) -> UUID | None:
        command_id = uuid5(SCHEDULE, f"{name} {tick_time}")
        start = StartBackgroundTask(
            command_id=command_id, task_id=uuid5(command_id, "task"), kind=kind
        )
        try:
            await tasks.start(start)
        except Conflict:  # its command was swept, and it has been started before
            log.info("schedule_started_before", entry=name)
        except ServiceError as error:
            log.warning("schedule_not_started", entry=name, reason=error.code)
            return None
        else:
            log.info("schedule_started", entry=name, task_id=str(start.task_id))
        return start.task_id


class LeaderScheduler(Scheduler):
    """Celery's scheduler with the ticks of `Schedule`; it touches beat's heartbeat at each."""

    def setup_schedule(self) -> None:
        settings = Settings()
        entries = {
            name: (cast("TaskKind", entry["task"]), float(entry["schedule"]))
            for name, entry in self.app.conf.beat_schedule.items()
        }
        self._ticks = Schedule(settings, entries)
        self._ticking = False
        shortest = min(seconds for _, seconds in entries.values())
        self._seconds = min(TICK_SECONDS, settings.beat_lease_seconds / 3, shortest)

    def tick(self, *_: object, **__: object) -> float:
        heartbeat.touch("beat")
        self._ticking = True
        asyncio.run(self._ticks.tick(time.time()))
        self._ticking = False
        return self._seconds

    def close(self) -> None:
        # Celery calls it from its handler of SIGTERM, which may come in the middle of a tick, and
        # once more when it ends.
        if not self._ticking:
            try:
                asyncio.run(self._ticks.give_up())
            except ServiceError as error:
                log.warning("beat_lease_not_given_up", reason=error.code)
        super().close()
