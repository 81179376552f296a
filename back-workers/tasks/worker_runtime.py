"""The runtime of a worker process: an event loop on its own thread, and the open clients.

The loop also runs between tasks and while Celery's thread waits, for leases, connections and
time-outs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from threading import Thread
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog
from celery import Task
from celery.signals import worker_process_init, worker_process_shutdown

from celeryconfig import CONTEXTS_HEADER
from mailing.mail_sender import (
    MailSender,
    ServiceMailTokens,
    ServiceRecipients,
    ServiceRegistrations,
    ServiceTimeline,
)
from mailing.smtp import SmtpClient
from outbox_client import HttpOutboxClient
from settings import Settings
from shared.kit import service_client
from shared.kit.http.context import correlated
from shared.kit.runtime.event_loop import Loop
from task_client import TaskClient
from task_runner import TaskRunner
from tasks.maintenance import maintenance
from tasks.user_export import PostgresUserPages, user_export
from tasks.worker_stop import is_stopping

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")


STARTED_MAX = 16
"""Mails that a process sends at once: most of their time is spent in waiting for answers."""


class WorkerRuntime:
    """The event loop and the clients that tasks use, from `open` to `close`."""

    mail_sender: MailSender
    task_runner: TaskRunner

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._runner = asyncio.Runner(loop_factory=Loop)
        self._loop = self._runner.get_loop()
        self._stack = AsyncExitStack()
        self._thread = Thread(target=self._loop.run_forever, name="tasks", daemon=True)
        self._places = asyncio.Semaphore(STARTED_MAX)
        self._started: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        self._thread.start()
        self.run(self._enter())

    def close(self) -> None:
        """Wait for what was started, then close the clients."""
        self.run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._runner.close()

    def run(self, work: Coroutine[None, None, T]) -> T:
        """The result of `work`, run on the loop of this process."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, works: Sequence[Coroutine[None, None, None]]) -> None:
        """Start `works` on the loop of this process, and return when all of them have begun.

        At most `STARTED_MAX` are under way at once; the next ones wait for their end.
        """
        self.run(self._start(works))

    async def _start(self, works: Sequence[Coroutine[None, None, None]]) -> None:
        for work in works:
            await self._places.acquire()
            started = asyncio.create_task(work)
            self._started.add(started)
            started.add_done_callback(self._ended)

    def _ended(self, started: asyncio.Task[None]) -> None:
        self._started.discard(started)
        self._places.release()
        if not started.cancelled() and (error := started.exception()):
            log.error("delivery_crashed", exc_info=error)

    async def _finish(self) -> None:
        if self._started:
            await asyncio.wait(self._started)
        await self._stack.aclose()

    async def _enter(self) -> None:
        enter = self._stack.enter_async_context
        postgres = await enter(
            service_client(self.settings, "back-postgres", self.settings.back_postgres_url)
        )
        auth = await enter(service_client(self.settings, "back-auth", self.settings.back_auth_url))
        cassandra = await enter(
            service_client(self.settings, "back-cassandra", self.settings.back_cassandra_url)
        )
        outbox = HttpOutboxClient(postgres, lease_seconds=self.settings.lease_seconds)
        self.mail_sender = MailSender(
            outbox,
            ServiceRegistrations(postgres),
            ServiceMailTokens(auth),
            ServiceRecipients(postgres),
            ServiceTimeline(cassandra),
            SmtpClient(self.settings),
            settings=self.settings,
        )
        self.task_runner = TaskRunner(
            outbox,
            TaskClient(postgres),
            {
                **maintenance(postgres, self.settings),
                "user_export": user_export(PostgresUserPages(postgres), self.settings),
            },
            self.settings,
            stopping=is_stopping,
        )


_runtimes: list[WorkerRuntime] = []


@worker_process_init.connect
def _open(**_: object) -> None:
    runtime = WorkerRuntime(Settings())
    runtime.open()
    _runtimes.append(runtime)


@worker_process_shutdown.connect
def _close(**_: object) -> None:
    while _runtimes:
        _runtimes.pop().close()


def worker_runtime() -> WorkerRuntime:
    """The runtime of this worker process. Raises IndexError outside of a worker."""
    return _runtimes[-1]


async def _handle(
    delivery_id: str, context: Sequence[str | None], deliver: Callable[[UUID], Awaitable[None]]
) -> None:
    with correlated(*context):
        await deliver(UUID(delivery_id))


def handling(
    task: Task[P, T], delivery_id: str, deliver: Callable[[UUID], Awaitable[None]]
) -> Coroutine[None, None, None]:
    """`deliver` a delivery of `task` with the correlation id and trace of its event.

    To be called on the thread of the task: the loop of the runtime knows no request.
    """
    contexts = task.request.get(CONTEXTS_HEADER) or {}
    return _handle(delivery_id, contexts.get(delivery_id, (None, None)), deliver)
