"""`/api/admin/maintenance`."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from features.maintenance.domain import Maintenance
from services.actor import Actor
from shared.kit.auth.guards import CurrentUser, user_with_permission
from shared.kit.http.idempotency import Once
from shared.kit.http.network import client_network
from shared.models.maintenance import StartMaintenanceTask, Task


def router(maintenance: Maintenance) -> APIRouter:
    """Routes over `maintenance`."""
    routes = APIRouter(
        prefix="/api/admin/maintenance",
        tags=["maintenance"],
        dependencies=[user_with_permission("maintenance:run")],
    )

    @routes.post("", status_code=202, response_model=Task)
    async def start(
        body: StartMaintenanceTask, user: CurrentUser, request: Request, once: Once
    ) -> Response:
        actor = Actor(user.id, client_network(request))
        return await once(
            user.id, lambda command_id: maintenance.start(actor, body.chore, command_id)
        )

    @routes.get("/{task_id}")
    async def get(task_id: UUID) -> Task:
        return await maintenance.get(task_id)

    return routes
