"""`/api/tasks`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from features.background_tasks.domain import BackgroundTaskAccess
from shared.kit.auth.guards import CurrentUser
from shared.models.base import Line
from shared.models.task import (
    TASKS_PAGE_DEFAULT,
    TASKS_PAGE_MAX,
    BackgroundTask,
    BackgroundTasks,
)

ADMIN = "admin"


def router(tasks: BackgroundTaskAccess) -> APIRouter:
    """Routes over `tasks`."""
    routes = APIRouter(prefix="/api/tasks", tags=["background-tasks"])

    @routes.get("")
    async def page(
        user: CurrentUser,
        kind: Annotated[Line | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=TASKS_PAGE_MAX)] = TASKS_PAGE_DEFAULT,
        before: Annotated[Line | None, Query(max_length=200)] = None,
    ) -> BackgroundTasks:
        return await tasks.page(user.id, kind, limit, before, admin=user.role == ADMIN)

    @routes.get("/{task_id}")
    async def get(task_id: UUID, user: CurrentUser) -> BackgroundTask:
        return await tasks.get(user.id, task_id, admin=user.role == ADMIN)

    @routes.delete("/{task_id}", status_code=202)
    async def cancel(task_id: UUID, user: CurrentUser) -> BackgroundTask:
        return await tasks.cancel(user.id, task_id, admin=user.role == ADMIN)

    return routes
