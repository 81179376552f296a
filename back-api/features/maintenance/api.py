"""`/api/admin/maintenance`."""

from uuid import UUID

from fastapi import APIRouter

from features.maintenance.domain import Tasks
from shared.kit.auth.guards import user_with_permission
from shared.models.maintenance import StartMaintenanceTask, Task


def router(tasks: Tasks) -> APIRouter:
    """Routes over `tasks`."""
    routes = APIRouter(
        prefix="/api/admin/maintenance",
        tags=["maintenance"],
        dependencies=[user_with_permission("maintenance:run")],
    )

    @routes.post("", status_code=202)
    async def start(body: StartMaintenanceTask) -> Task:
        return await tasks.start(body.chore)

    @routes.get("/{task_id}")
    async def get(task_id: UUID) -> Task:
        return await tasks.get(str(task_id))

    return routes
