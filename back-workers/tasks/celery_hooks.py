"""Celery signals and steps: logs and heartbeats of the worker and of beat."""

import gc
import logging

from celery import bootsteps
from celery.signals import setup_logging, worker_before_create_process
from celery.worker import WorkController

import heartbeat
from celeryconfig import celery
from settings import Settings
from shared.kit import start_logging


@setup_logging.connect
def _log_as_every_service(**_: object) -> None:
    start_logging(Settings())
    logging.getLogger("celery.worker.strategy").setLevel("WARNING")  # noqa: TID251 - quietens Celery's own logger


@worker_before_create_process.connect
def _share_with_the_processes(**_: object) -> None:
    # A collection writes to each object that it looks at, and what is written is shared no more.
    gc.collect()
    gc.freeze()


class WorkerHeartbeat(bootsteps.StartStopStep):
    """Touches the worker's file from its own timer, which stops when the worker hangs.

    The file is that of the worker's name, the part before `@`: `celery` unless it is given.
    """

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: WorkController) -> None:
        timer = parent.timer
        if timer is not None:  # the stubs lack its methods, and an empty timer is falsy
            name = str(parent).partition("@")[0]  # the text of a worker is its hostname
            timer.call_repeatedly(heartbeat.BEAT_SECONDS, heartbeat.touch, (name,))  # type: ignore[attr-defined]


celery.steps["worker"].add(WorkerHeartbeat)
