from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from shared.kit.auth.guards import calls_with_scope
from shared.models.base import Line
from shared.models.task import (
    TASKS_PAGE_DEFAULT,
    TASKS_PAGE_MAX,
    StartBackgroundTask,
    StoredTask,
    StoredTasks,
)
from task_client import TaskClient


def router(tasks: TaskClient) -> APIRouter:
    """Starts, reads and cancels background tasks."""
    routes = APIRouter(prefix="/tasks", tags=["tasks"])

    @routes.post("", status_code=202, dependencies=[calls_with_scope("tasks:start")])
    async def start_task(start: StartBackgroundTask) -> StoredTask:
        return await tasks.start(start)

    @routes.get("", dependencies=[calls_with_scope("tasks:read")])
    async def read_tasks(
        owner_id: UUID | None = None,
        kind: Annotated[Line | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=TASKS_PAGE_MAX)] = TASKS_PAGE_DEFAULT,
        before: Annotated[Line | None, Query(max_length=200)] = None,
    ) -> StoredTasks:
        return await tasks.page(owner_id, kind, limit, before)

    @routes.get("/{task_id}", dependencies=[calls_with_scope("tasks:read")])
    async def read_task(task_id: UUID) -> StoredTask:
        return await tasks.read(task_id)

    @routes.delete("/{task_id}", status_code=202, dependencies=[calls_with_scope("tasks:cancel")])
    async def cancel_task(task_id: UUID) -> StoredTask:
        return await tasks.cancel(task_id)

    return routes
