"""Background tasks, and the named leases of those who start them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from repositories.lease_repository import LeaseRepository
from repositories.task_repository import TaskRepository
from routes.command_responses import as_response
from shared.kit.auth.guards import calls_with_scope
from shared.models.base import Line
from shared.models.event import Command
from shared.models.task import (
    TASKS_PAGE_DEFAULT,
    TASKS_PAGE_MAX,
    CancelTask,
    HoldNamedLease,
    NamedLeaseHeld,
    NewTask,
    StoredTask,
    StoredTasks,
)


def router(tasks: TaskRepository, leases: LeaseRepository) -> APIRouter:
    router = APIRouter(tags=["tasks"])
    writing = [calls_with_scope("tasks:write")]
    reading = [calls_with_scope("tasks:read")]

    @router.post("/tasks", status_code=201, response_model=StoredTask, dependencies=writing)
    async def create(command: Command[NewTask]) -> Response:
        return as_response(await tasks.create(command))

    @router.get("/tasks", dependencies=reading)
    async def page(
        owner_id: UUID | None = None,
        kind: Annotated[Line | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=TASKS_PAGE_MAX)] = TASKS_PAGE_DEFAULT,
        before: Annotated[Line | None, Query(max_length=200)] = None,
    ) -> StoredTasks:
        return await tasks.page(owner_id, kind, limit, before)

    @router.get("/tasks/{task_id}", dependencies=reading)
    async def read(task_id: UUID) -> StoredTask:
        return await tasks.by_id(task_id)

    @router.post("/tasks/{task_id}/cancel", response_model=StoredTask, dependencies=writing)
    async def cancel(task_id: UUID, command: Command[CancelTask]) -> Response:
        return as_response(await tasks.cancel(task_id, command))

    @router.put("/leases/{name}", dependencies=[calls_with_scope("leases:hold")])
    async def hold(name: Annotated[str, Path()], asked: HoldNamedLease) -> NamedLeaseHeld:
        return await leases.hold(name, asked)

    return router
