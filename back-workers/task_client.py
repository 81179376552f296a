"""The client of the background tasks in back-postgres."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel

from shared.kit import ServiceClient
from shared.kit.errors import Conflict, NotFound
from shared.kit.http.context import correlation_id
from shared.kit.stale_writes import again_when_stale
from shared.models.event import Command, Nothing, Recorded
from shared.models.task import (
    BeginTask,
    CancelTask,
    FinalStatus,
    FinishTask,
    HoldNamedLease,
    NamedLeaseHeld,
    NewTask,
    ReportTask,
    StartBackgroundTask,
    StoredTask,
    StoredTasks,
    SweepTasks,
    TaskFinished,
    TaskProgressed,
    TaskQueued,
    TaskReported,
    TasksSwept,
)

Data = TypeVar("Data", bound=BaseModel)


class TaskClient:
    """Starts, reads and cancels tasks, and reports their runs.

    Every method raises Unavailable or TimedOut when back-postgres can't be reached; those of a
    run raise Conflict `lease_lost`, and NotFound when the task is gone.
    """

    def __init__(self, postgres: ServiceClient) -> None:
        self._postgres = postgres

    async def start(self, start: StartBackgroundTask) -> StoredTask:
        """Store a task and its event. A repeat returns the stored answer.

        Raises:
            NotFound: `user_not_found`, there is no such owner.
            Conflict: `task_exists`, or `command_reused`.
        """
        new = NewTask(
            task_id=start.task_id, kind=start.kind, owner_id=start.owner_id, params=start.params
        )
        command = Command.with_event(
            "task.queued",
            TaskQueued(task_id=new.task_id, kind=new.kind),
            data=new,
            aggregate_id=new.task_id,
            correlation_id=correlation_id(),
            command_id=start.command_id,
        )
        return await self._postgres.post("/tasks", command, response_model=StoredTask)

    async def read(self, task_id: UUID) -> StoredTask:
        """Raises NotFound `task_not_found`."""
        return await self._postgres.get(f"/tasks/{task_id}", response_model=StoredTask)

    async def page(
        self, owner_id: UUID | None, kind: str | None, limit: int, before: str | None
    ) -> StoredTasks:
        """Tasks of an owner and a kind, or of all, newest first.

        Raises InvalidRequest `cursor_invalid`.
        """
        asked: Mapping[str, object] = {
            "owner_id": owner_id,
            "kind": kind,
            "limit": limit,
            "before": before,
        }
        return await self._postgres.get("/tasks", params=asked, response_model=StoredTasks)

    async def cancel(self, task_id: UUID) -> StoredTask:
        """End a queued task at once, and ask the run of a running one to end.

        One that has ended stays as it is. Raises NotFound `task_not_found`, Conflict
        `stale_version` after several attempts that met concurrent changes.
        """
        return await again_when_stale(lambda: self._cancel_once(task_id))

    async def _cancel_once(self, task_id: UUID) -> StoredTask:
        task = await self.read(task_id)
        if task.status not in {"queued", "running"} or task.cancel_requested_at:
            return task
        command = Command[CancelTask](
            command_id=uuid5(task_id, f"cancel {task.version}"),
            expected_version=task.version,
            data=CancelTask(at_once=task.status == "queued"),
        )
        if task.status == "queued":
            command = _telling(command, task, "cancelled")
        return await self._postgres.post(
            f"/tasks/{task_id}/cancel", command, response_model=StoredTask
        )

    async def begin(self, task_id: UUID, run: BeginTask) -> StoredTask:
        """Begin a run; a task that has ended is returned as it is."""
        return await self._postgres.post(
            f"/tasks/{task_id}/begin", run, response_model=StoredTask, idempotent=True
        )

    async def report(self, task_id: UUID, report: ReportTask) -> TaskReported:
        """Store progress and checkpoint, and renew the lease."""
        return await self._postgres.post(
            f"/tasks/{task_id}/report", report, response_model=TaskReported, idempotent=True
        )

    async def finish(self, task: StoredTask, end: FinishTask) -> StoredTask:
        """End a task; its owner is told."""
        command = Command[FinishTask](
            command_id=uuid5(task.id, f"finish {end.lease_token}"), data=end
        )
        return await self._postgres.post(
            f"/tasks/{task.id}/finish",
            _telling(command, task, end.status),
            response_model=StoredTask,
        )

    async def tell_progress(self, task: StoredTask, lease_token: UUID, progress: int) -> None:
        """Publish the progress to the owner of the task; nothing where it has none."""
        if task.owner_id is None:
            return
        command = Command.with_event(
            "task.progressed",
            TaskProgressed(
                user_id=task.owner_id, task_id=task.id, kind=task.kind, progress=progress
            ),
            data=Nothing(),
            aggregate_id=task.id,
            correlation_id=correlation_id(),
            command_id=uuid5(task.id, f"progress {lease_token} {progress}"),
        )
        await self._postgres.post("/events", command, response_model=Recorded)

    async def fail_lost(self) -> int:
        """Fail the tasks that no worker could run, and tell their owners; how many."""
        lost = await self._postgres.get("/tasks/lost", response_model=StoredTasks)
        for task in lost.items:
            command = Command[Nothing](command_id=uuid5(task.id, "lose"), data=Nothing())
            with suppress(Conflict, NotFound):  # another sweep failed it
                await self._postgres.post(
                    f"/tasks/{task.id}/lose",
                    _telling(command, task, "failed"),
                    response_model=StoredTask,
                )
        return len(lost.items)

    async def sweep(self, older_than_seconds: int) -> TasksSwept:
        """Remove tasks that ended long ago."""
        return await self._postgres.post(
            "/tasks/sweep",
            SweepTasks(older_than_seconds=older_than_seconds),
            response_model=TasksSwept,
            idempotent=True,
        )

    async def hold_lease(self, name: str, holder: UUID, seconds: float) -> bool:
        """Whether `holder` has the lease of a name now; 0 seconds give it up."""
        held = await self._postgres.put(
            f"/leases/{name}",
            HoldNamedLease(holder=holder, seconds=seconds),
            response_model=NamedLeaseHeld,
        )
        return held.held


def _telling(command: Command[Data], task: StoredTask, status: FinalStatus) -> Command[Data]:
    """`command` with the event that tells the owner of `task`, if it has one."""
    if task.owner_id is None:
        return command
    return command.and_event(
        "task.finished",
        TaskFinished(user_id=task.owner_id, task_id=task.id, kind=task.kind, status=status),
        aggregate_id=task.id,
        correlation_id=correlation_id(),
    )
