"""The background tasks of back-postgres in memory, with its rules: leases, ends, versions."""

import time
from uuid import UUID

from fastapi import FastAPI

from shared.kit.errors import Conflict, NotFound, ServiceError
from shared.models.base import now
from shared.models.event import Command, NewEvent, Nothing
from shared.models.task import (
    BeginTask,
    CancelTask,
    FinishTask,
    HoldNamedLease,
    NamedLeaseHeld,
    NewTask,
    ReportTask,
    StoredTask,
    StoredTasks,
    SweepTasks,
    TaskReported,
    TasksSwept,
)
from tests.fake_outbox_client import FakeOutboxClient

ENDED = {"succeeded", "failed", "cancelled"}


class FakeTasks:
    """Tasks by id, and the events that were stored with their changes.

    `down` makes every call fail; `holders` are the holders of named leases and when they end.
    """

    def __init__(self, outbox: FakeOutboxClient) -> None:
        self.outbox = outbox
        self.tasks: dict[UUID, StoredTask] = {}
        self.answered: dict[UUID, StoredTask] = {}
        self.events: list[NewEvent] = []
        self.reports: list[ReportTask] = []
        self.holders: dict[str, tuple[UUID, float]] = {}
        self.asking: set[UUID] = set()
        self.swept: list[int] = []
        self.asked_for: list[UUID] = []
        self.down: ServiceError | None = None

    def types(self) -> list[str]:
        """The types of the events, in their order."""
        return [event.envelope.event_type for event in self.events]

    def _of(self, task_id: UUID) -> StoredTask:
        if self.down:
            raise self.down
        if task_id not in self.tasks:
            raise NotFound("There is no such task.", code="task_not_found")
        return self.tasks[task_id]

    def _change(self, task_id: UUID, **changes: object) -> StoredTask:
        task = self.tasks[task_id]
        changed = task.model_copy(update={"version": task.version + 1, **changes})
        self.tasks[task_id] = changed
        return changed

    def create(self, command: Command[NewTask]) -> StoredTask:
        if self.down:
            raise self.down
        self.asked_for.append(command.command_id)
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        new = command.data
        if new.task_id in self.tasks:
            raise Conflict(code="task_exists")
        task = StoredTask(
            id=new.task_id,
            kind=new.kind,
            owner_id=new.owner_id,
            status="queued",
            progress=0,
            params=new.params,
            attempts=0,
            created_at=now(),
            version=1,
        )
        self.tasks[task.id] = self.answered[command.command_id] = task
        self.events += command.events
        (event,) = command.events
        row = self.outbox.add("tasks", aggregate_id=task.id)
        row.envelope = event.envelope
        return task

    def cancel(self, task_id: UUID, command: Command[CancelTask]) -> StoredTask:
        task = self._of(task_id)
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        stale = command.expected_version not in {None, task.version}
        if stale or task.status in ENDED or (command.data.at_once and task.status != "queued"):
            raise Conflict(code="stale_version")
        changes: dict[str, object] = {"cancel_requested_at": now()}
        if command.data.at_once:
            changes |= {"status": "cancelled", "finished_at": now()}
        self.events += command.events
        self.answered[command.command_id] = self._change(task_id, **changes)
        return self.tasks[task_id]

    def begin(self, task_id: UUID, run: BeginTask) -> StoredTask:
        task = self._of(task_id)
        self._hold(run)
        if task.status in ENDED:
            return task
        return self._change(task_id, status="running", attempts=task.attempts + 1, started_at=now())

    def report(self, task_id: UUID, report: ReportTask) -> TaskReported:
        task = self._of(task_id)
        self._hold(report)
        if task.status != "running":
            raise NotFound(code="task_not_found")
        self.reports.append(report)
        self.outbox._row(report.delivery_id).due = time.monotonic() + report.lease_seconds
        checkpoint = task.checkpoint if report.checkpoint is None else report.checkpoint
        progress = max(task.progress, report.progress or 0)
        self.tasks[task_id] = task.model_copy(
            update={"progress": progress, "checkpoint": checkpoint}
        )
        return TaskReported(cancel_requested=task.cancel_requested_at is not None)

    def finish(self, task_id: UUID, command: Command[FinishTask]) -> StoredTask:
        task = self._of(task_id)
        if command.command_id in self.answered:
            return self.answered[command.command_id]
        self._hold(command.data)
        if task.status != "running":
            raise NotFound(code="task_not_found")
        end = command.data
        self.events += command.events
        self.answered[command.command_id] = self._change(
            task_id,
            status=end.status,
            result=end.result,
            error=end.error,
            progress=100 if end.status == "succeeded" else task.progress,
            checkpoint=None,
            finished_at=now(),
        )
        return self.tasks[task_id]

    def lost(self) -> list[StoredTask]:
        dead = {row.aggregate_id for row in self.outbox.rows if row.state == "dead"}
        return [it for it in self.tasks.values() if it.id in dead and it.status not in ENDED]

    def _hold(self, run: BeginTask) -> None:
        rows = [row for row in self.outbox.rows if row.delivery_id == run.delivery_id]
        if not rows:
            raise Conflict("Nobody holds it.", code="lease_lost")
        (row,) = rows
        if row.lease_token != run.lease_token or row.state != "leased":
            raise Conflict("Another one holds it.", code="lease_lost")

    def add_to(self, api: FastAPI) -> None:
        """Serve the paths of back-postgres."""

        @api.post("/tasks", status_code=201)
        async def create(body: Command[NewTask]) -> StoredTask:
            return self.create(body)

        @api.get("/tasks")
        async def page(
            limit: int, owner_id: UUID | None = None, kind: str | None = None
        ) -> StoredTasks:
            items = [
                it
                for it in self.tasks.values()
                if owner_id in {None, it.owner_id} and kind in {None, it.kind}
            ]
            return StoredTasks(items=items[::-1][:limit], next=None)

        @api.post("/tasks/sweep")
        async def sweep(body: SweepTasks) -> TasksSwept:
            self.swept.append(body.older_than_seconds)
            return TasksSwept(removed=2)

        @api.get("/tasks/lost")
        async def lost() -> StoredTasks:
            return StoredTasks(items=self.lost(), next=None)

        @api.post("/tasks/{task_id}/lose")
        async def lose(task_id: UUID, body: Command[Nothing]) -> StoredTask:
            if task_id not in {task.id for task in self.lost()}:
                raise NotFound("There is no such lost task.", code="task_not_lost")
            self.events += body.events
            return self._change(task_id, status="failed", error="worker_lost", finished_at=now())

        @api.get("/tasks/{task_id}")
        async def read(task_id: UUID) -> StoredTask:
            return self._of(task_id)

        @api.post("/tasks/{task_id}/cancel")
        async def cancel(task_id: UUID, body: Command[CancelTask]) -> StoredTask:
            return self.cancel(task_id, body)

        self._add_runs_to(api)

    def _add_runs_to(self, api: FastAPI) -> None:
        @api.post("/tasks/{task_id}/begin")
        async def begin(task_id: UUID, body: BeginTask) -> StoredTask:
            return self.begin(task_id, body)

        @api.post("/tasks/{task_id}/report")
        async def report(task_id: UUID, body: ReportTask) -> TaskReported:
            return self.report(task_id, body)

        @api.post("/tasks/{task_id}/finish")
        async def finish(task_id: UUID, body: Command[FinishTask]) -> StoredTask:
            return self.finish(task_id, body)

        @api.put("/leases/{name}")
        async def hold(name: str, body: HoldNamedLease) -> NamedLeaseHeld:
            if self.down:
                raise self.down
            self.asking.add(body.holder)
            now, (holder, until) = time.monotonic(), self.holders.get(name, (body.holder, 0.0))
            held = holder == body.holder or until <= now
            if held:
                self.holders[name] = (body.holder, now + body.seconds)
            return NamedLeaseHeld(held=held)
