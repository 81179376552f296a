"""What a worker process holds: an event loop on a thread of its own, and the open clients.

The loop runs between tasks too, so that leases, connections and time-outs are looked after while
Celery's own thread waits.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from threading import Thread
from typing import ParamSpec, TypeVar

from celery import Task
from celery.signals import worker_process_init, worker_process_shutdown

from mailing.mails import Mails, ServiceAccounts
from mailing.smtp import MailServer
from outbox_client import ServiceOutbox
from settings import Settings
from shared.kit import ServiceClient, service_client
from shared.kit.http.context import correlated

P = ParamSpec("P")
T = TypeVar("T")


class Process:
    """The parts that tasks work with, while the process is open."""

    mails: Mails
    postgres: ServiceClient

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._stack = AsyncExitStack()
        self._thread = Thread(target=self._loop.run_forever, name="tasks", daemon=True)

    def open(self) -> None:
        self._thread.start()
        self.run(self._enter())

    def close(self) -> None:
        self.run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._runner.close()

    def run(self, work: Coroutine[None, None, T]) -> T:
        """The result of `work`, done on this process's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _enter(self) -> None:
        enter = self._stack.enter_async_context
        self.postgres = await enter(service_client(self.settings, "back-postgres"))
        auth = await enter(service_client(self.settings, "back-auth"))
        self.mails = Mails(
            ServiceOutbox(self.postgres, lease_seconds=self.settings.lease_seconds),
            ServiceAccounts(self.postgres, auth),
            MailServer(self.settings),
            self.settings,
        )


_processes: list[Process] = []


@worker_process_init.connect
def _open(**_: object) -> None:
    process = Process(Settings())
    process.open()
    _processes.append(process)


@worker_process_shutdown.connect
def _close(**_: object) -> None:
    while _processes:
        _processes.pop().close()


def process() -> Process:
    """The process that a task runs in. Raises IndexError outside of a worker."""
    return _processes[-1]


def correlated_run(task: Task[P, T], work: Coroutine[None, None, T]) -> T:
    """Do `work` as a part of what the sender of `task` was at."""

    async def within() -> T:
        request = task.request
        with correlated(request.get("x_correlation_id"), request.get("x_traceparent")):
            return await work

    return process().run(within())
