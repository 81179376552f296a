"""Logs and life signs of Celery's own processes."""

import logging

from celery import bootsteps
from celery.beat import PersistentScheduler
from celery.signals import setup_logging
from celery.worker import WorkController

import heartbeat
from celeryconfig import celery
from settings import Settings
from shared.kit import start_logging


@setup_logging.connect
def _log_as_every_service(**_: object) -> None:
    start_logging(Settings())
    logging.getLogger("celery.worker.strategy").setLevel("WARNING")  # noqa: TID251 - quietens Celery's own logger


class WorkerHeartbeat(bootsteps.StartStopStep):
    """Touches the worker's file from its own timer, so a worker that hangs stops doing it."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: WorkController) -> None:
        timer = parent.timer
        if timer is not None:  # the stubs know none of its methods, and an idle one is false
            timer.call_repeatedly(heartbeat.BEAT_SECONDS, heartbeat.touch, ("celery",))  # type: ignore[attr-defined]


class BeatingScheduler(PersistentScheduler):
    """Touches beat's file each time it looks at the clock, every few seconds at the latest."""

    def tick(self, *args: object, **options: object) -> float:
        heartbeat.touch("beat")
        return super().tick(*args, **options)  # type: ignore[arg-type]


celery.steps["worker"].add(WorkerHeartbeat)
