"""Runs of background tasks: what their workers write, and tasks that no worker will run."""

from uuid import UUID

from fastapi import APIRouter, Response

from repositories.task_repository import TaskRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.models.event import Command, Nothing
from shared.models.task import (
    TASKS_PAGE_MAX,
    BeginTask,
    FinishTask,
    ReportTask,
    StoredTask,
    StoredTasks,
    SweepTasks,
    TaskReported,
    TasksSwept,
)


def router(tasks: TaskRepository) -> APIRouter:
    router = APIRouter(tags=["task-runs"])
    running = [calls_with_scope("tasks:run")]
    sweeping = [calls_with_scope("tasks:sweep")]

    @router.post("/tasks/sweep", dependencies=sweeping)
    async def sweep(sweep: SweepTasks) -> TasksSwept:
        return await tasks.sweep(sweep)

    @router.get("/tasks/lost", dependencies=sweeping)
    async def lost() -> StoredTasks:
        return await tasks.lost(TASKS_PAGE_MAX)

    @router.post("/tasks/{task_id}/lose", response_model=StoredTask, dependencies=sweeping)
    async def lose(task_id: UUID, command: Command[Nothing]) -> Response:
        return as_response(await tasks.lose(task_id, command))

    @router.post("/tasks/{task_id}/begin", dependencies=running)
    async def begin(task_id: UUID, begun: BeginTask) -> StoredTask:
        return await tasks.begin(task_id, begun)

    @router.post("/tasks/{task_id}/report", dependencies=running)
    async def report(task_id: UUID, report: ReportTask) -> TaskReported:
        return await tasks.report(task_id, report)

    @router.post("/tasks/{task_id}/finish", response_model=StoredTask, dependencies=running)
    async def finish(task_id: UUID, command: Command[FinishTask]) -> Response:
        return as_response(await tasks.finish(task_id, command))

    return router
