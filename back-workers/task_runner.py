"""Runs background tasks: one run a delivery of `task.queued`, under its lease."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import structlog
from pydantic import JsonValue

from delivery_handler import (
    DeliveryFailed,
    LeaseLost,
    Released,
    Undeliverable,
    may_be_postponed,
    reason_of,
)
from delivery_worker import take_and_handle
from lease import with_lease
from outbox_client import OutboxClient
from settings import Settings
from shared.kit.errors import Conflict, NotFound, ServiceError
from shared.models.event import Delivery
from shared.models.task import (
    TASK_ERROR_MAX_LENGTH,
    BeginTask,
    FinalStatus,
    FinishTask,
    ReportTask,
    StoredTask,
    TaskReported,
)
from task_client import TaskClient
from task_kinds import KindOfTask, kind_of

log = structlog.get_logger()

TOLD_PERCENT = 5
"""The owner is told of each so many percent: a live event costs as much as any other."""

ENDED = frozenset({"succeeded", "failed", "cancelled"})

Save = Callable[[], Awaitable[JsonValue]]


class TaskCancelled(Exception):
    """The owner or an admin asked for the end of the task."""


class Run(Protocol):
    """What the code of a kind is given: one run of one task."""

    task_id: UUID
    params: dict[str, JsonValue]
    checkpoint: JsonValue | None

    async def report(self, progress: int, save: Save | None = None) -> None:
        """Say how far the run is (percent), at least once a second.

        Most calls return at once. About once a second the progress is stored together with the
        checkpoint that `save` returns, from which the next run of the task goes on.

        Raises:
            TaskCancelled, Released, LeaseLost: the run is to end; these pass through its code.
        """


Handler = Callable[[Run], Awaitable[JsonValue]]
"""The code of a kind: runs a task and returns its result."""


class TaskRun:
    """The run of a task that this worker holds the delivery of."""

    def __init__(
        self,
        tasks: TaskClient,
        task: StoredTask,
        delivery: Delivery,
        settings: Settings,
        *,
        released: Callable[[], bool],
    ) -> None:
        self.task_id = task.id
        self.params = task.params
        self.checkpoint = task.checkpoint
        self._tasks = tasks
        self._task = task
        self._held = BeginTask(delivery_id=delivery.delivery_id, lease_token=delivery.lease_token)
        self._settings = settings
        self._released = released
        self._progress = task.progress
        self._told = task.progress // TOLD_PERCENT
        self._reported_at = time.monotonic()

    async def report(self, progress: int, save: Save | None = None) -> None:
        self._progress = max(self._progress, min(progress, 100))
        released = self._released()
        due = time.monotonic() - self._reported_at >= self._settings.report_seconds
        if not (due or released):
            return
        checkpoint = await save() if save else None
        # One report that fails is no reason to end the run: the next one tells the same and more.
        try:
            await self._send(checkpoint)
        except Conflict as lost:
            raise LeaseLost from lost
        except NotFound:
            raise
        except ServiceError as error:
            log.warning("task_not_reported", task_id=str(self.task_id), reason=error.code)
        await self._tell()
        if released:
            raise Released

    async def renew(self) -> None:
        """Renew the lease. Raises Conflict when it is lost, TaskCancelled."""
        await self._send(None)

    async def _send(self, checkpoint: JsonValue | None) -> None:
        self._reported_at = time.monotonic()
        report = ReportTask(
            **self._held.model_dump(),
            lease_seconds=self._settings.lease_seconds,
            progress=self._progress,
            checkpoint=checkpoint,
        )
        reported: TaskReported = await self._tasks.report(self.task_id, report)
        if reported.cancel_requested:
            raise TaskCancelled

    async def _tell(self) -> None:
        step = self._progress // TOLD_PERCENT
        if step == self._told or self._progress == 100:
            return
        self._told = step
        with suppress(ServiceError):
            await self._tasks.tell_progress(self._task, self._held.lease_token, step * TOLD_PERCENT)

    async def finish(
        self, status: FinalStatus, *, result: JsonValue = None, error: str | None = None
    ) -> None:
        """End the task. Raises LeaseLost."""
        end = FinishTask(
            **self._held.model_dump(),
            status=status,
            result=result,
            error=error and error[:TASK_ERROR_MAX_LENGTH],
        )
        try:
            await self._tasks.finish(self._task, end)
        except Conflict as lost:
            raise LeaseLost from lost
        except NotFound:  # its owner is gone, and the task with them
            log.info("task_gone", task_id=str(self.task_id))
            return
        log.info("task_finished", task_id=str(self.task_id), status=status, error=error)


class TaskRunner:
    """Runs the tasks of the kinds that `handlers` names.

    `stopping` tells whether the worker is told to stop: resumable runs are given back then.
    """

    def __init__(
        self,
        outbox: OutboxClient,
        tasks: TaskClient,
        handlers: Mapping[str, Handler],
        settings: Settings,
        *,
        stopping: Callable[[], bool],
    ) -> None:
        self._outbox = outbox
        self._tasks = tasks
        self._handlers = handlers
        self._settings = settings
        self._stopping = stopping

    async def deliver(self, delivery_id: UUID) -> None:
        """Run the task of a delivery; nothing when it is done or leased by another worker."""
        await take_and_handle(
            self._outbox,
            delivery_id,
            self._run_task,
            seconds=None,
            policy=self._settings.postpone_policy(),
        )

    async def _run_task(self, delivery: Delivery) -> None:
        held = BeginTask(delivery_id=delivery.delivery_id, lease_token=delivery.lease_token)
        try:
            task = await self._tasks.begin(_task_id(delivery), held)
        except NotFound as gone:
            raise Undeliverable("there is no such task") from gone
        except Conflict as lost:
            raise LeaseLost from lost
        if task.status in ENDED:
            log.info("task_ended_before", task_id=str(task.id), status=task.status)
            return
        kind, handler = kind_of(task.kind), self._handlers.get(task.kind)
        if kind is None or handler is None:
            raise DeliveryFailed(f"this worker knows no task {task.kind}", event_at_fault=True)
        run = TaskRun(
            self._tasks,
            task,
            delivery,
            self._settings,
            released=lambda: kind.resumable and self._stopping(),
        )
        if task.cancel_requested_at:
            await run.finish("cancelled")
        elif delivery.attempts > self._settings.task_retries:
            # The worker of each run was lost in it.
            await self._fail(run, delivery, "worker_lost")
        else:
            await self._run(run, kind, handler, delivery)

    async def _run(
        self, run: TaskRun, kind: KindOfTask, handler: Handler, delivery: Delivery
    ) -> None:
        log.info("task_begun", task_id=str(run.task_id), attempts=delivery.attempts)
        try:
            async with asyncio.timeout(kind.soft_seconds) as limit:
                result = await with_lease(
                    run.renew, lambda: handler(run), lease_seconds=self._settings.lease_seconds
                )
        except TaskCancelled:
            await run.finish("cancelled")
        except (Released, LeaseLost):
            raise
        except NotFound as gone:
            if gone.code != "task_not_found":
                await self._fail(run, delivery, reason_of(gone), gone)
            log.info("task_gone", task_id=str(run.task_id))
        except Exception as error:
            timed_out = limit.expired()
            if may_be_postponed(error) and not timed_out:
                raise
            await self._fail(run, delivery, "timed_out" if timed_out else reason_of(error), error)
        else:
            await run.finish("succeeded", result=result)

    async def _fail(
        self, run: TaskRun, delivery: Delivery, reason: str, cause: Exception | None = None
    ) -> None:
        """Raises DeliveryFailed: the task is run again later, or ends after its last retry."""
        log.warning("task_failed", task_id=str(run.task_id), reason=reason, exc_info=cause)
        if delivery.attempts >= self._settings.task_retries:
            await run.finish("failed", error=reason)
            raise DeliveryFailed(reason, final=True, event_at_fault=True) from cause
        pause = self._settings.task_retry_seconds * 2**delivery.attempts
        pause *= random.uniform(0.75, 1)  # noqa: S311  (jitter)
        raise DeliveryFailed(reason, event_at_fault=True, retry_seconds=pause) from cause


def _task_id(delivery: Delivery) -> UUID:
    if delivery.envelope.event_type != "task.queued":
        raise Undeliverable(f"there is no task for {delivery.envelope.event_type}")
    try:
        return UUID(str(delivery.envelope.payload["task_id"]))
    except (KeyError, ValueError):
        raise Undeliverable("the payload names no task_id") from None
